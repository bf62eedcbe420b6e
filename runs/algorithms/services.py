"""Every write of a saved config, and asking for a preflight."""

import hashlib
import json
from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.owned import put_away
from runs.accounts.services import audit
from runs.algorithms import selectors
from runs.algorithms.models import AlgorithmConfig
from runs.jobs import selectors as jobs
from runs.jobs import services as job_services
from runs.jobs.models import Job, JobState
from workers.contract.run_spec import RewardPipeline

PREFLIGHT = "preflight"
PASSING_CODES = {"draft", "waits"}
"""Findings about the state of other things, which change without the draft."""


@transaction.atomic
def save_config(
    project: Project,
    actor: Actor,
    *,
    name: str,
    method: str,
    config: dict[str, Any],
    reward: RewardPipeline | None,
    description: str,
) -> AlgorithmConfig:
    """Keeps a config that runs as it stands. Raises Invalid, NotFound for an unknown method."""
    _check(method, config, reward)
    saved = AlgorithmConfig.objects.create(
        project=project, created_by=actor.user, name=name, method=method, config=config, description=description,
        reward=reward.model_dump(mode="json") if reward else None,
    )
    audit(project, actor, "algorithm_config.create", saved.id, {"name": name, "method": method})
    return saved


@transaction.atomic
def edit_config(saved: AlgorithmConfig, actor: Actor, changes: dict[str, Any]) -> AlgorithmConfig:
    """Sets the given fields and checks the whole again. Raises Invalid."""
    for field, value in changes.items():
        setattr(saved, field, value)
    reward = RewardPipeline.model_validate(saved.reward) if saved.reward else None
    _check(saved.method, saved.config, reward)
    saved.save()
    audit(saved.project, actor, "algorithm_config.edit", saved.id, {"fields": sorted(changes)})
    return saved


def delete_config(saved: AlgorithmConfig, actor: Actor) -> None:
    put_away(saved, "algorithm_config", actor=actor)


@transaction.atomic
def ask_preflight(project: Project, actor: Actor, draft: dict[str, Any]) -> Job:
    """A job that checks the draft against model and data; an identical draft gets the job that did so already."""
    subject = draft_hash(project, draft)
    for state in (JobState.SUCCEEDED, JobState.RUNNING, JobState.QUEUED):
        known = jobs.latest(kind=PREFLIGHT, subject_id=subject, state=state)
        if known and _still_holds(known):
            return known
    return job_services.enqueue(
        kind=PREFLIGHT, project=project, payload={"draft": draft}, created_by=actor.user, subject_id=subject
    )


def _still_holds(job: Job) -> bool:
    """What the engine found of model and data stays so; what was missing or not ready may be there by now."""
    findings = (job.result or {}).get("findings", [])
    return not any(finding["code"] in PASSING_CODES for finding in findings)


def draft_hash(project: Project, draft: dict[str, Any]) -> str:
    """Equal for drafts that are checked alike: name, tags, notes and priority change nothing, another catalogue does."""
    checked = {key: value for key, value in draft.items() if key not in {"name", "tags", "notes", "priority"}}
    text = json.dumps([project.id, selectors.current_hash(), checked], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _check(method: str, config: dict[str, Any], reward: RewardPipeline | None) -> None:
    selectors.resolve_config(method, config)
    if reward is not None:
        selectors.resolve_reward(method, reward)
