"""Every write of the room: asking for a trial, and keeping what it found."""

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.jobs import services as jobs
from runs.problems import Conflict, FieldError, Invalid, Problem
from runs.rewards.selectors import checked, saved_pipeline
from runs.storable import storable
from runs.trials import sources
from runs.trials.models import Trial, TriedPrompt
from runs.trials.schemas import TrialIn
from workers.contract.run_spec import RewardPipeline
from workers.contract.trials import TrialOutcome

KIND = "reward_trial"
KEPT_EACH = 50
"""Trials of one person in a project that are kept: an editor asks for one at every pause in typing."""


@transaction.atomic
def ask_trial(project: Project, actor: Actor, asked: TrialIn) -> Trial:
    """A trial and the job that carries it out. Raises Invalid for a pipeline or a source that cannot be used, by field."""
    version_id, pipeline = asked.reward_version_id, _pipeline(asked, project)
    _check_source(asked, project)
    trial = Trial.objects.create(
        project=project, created_by=actor.user, reward_version_id=version_id,
        pipeline=pipeline.model_dump(mode="json"), source=asked.source.model_dump(mode="json"),
    )
    trial.job = jobs.enqueue(
        kind=KIND, project=project, payload={"trial_id": trial.id}, created_by=actor.user, subject_id=trial.id
    )
    trial.save(update_fields=["job"])
    _forget_oldest(project, actor)
    return trial


@transaction.atomic
def keep_outcome(job_id: str, attempt: int, trial_id: str, outcome: TrialOutcome) -> None:
    """Called by the job while it holds its lease; a repeat puts the same in place of the same. Raises Fenced."""
    jobs.report(job_id, attempt, progress=None, doing="Keeping what was found", eta_seconds=None)
    TriedPrompt.objects.filter(trial=trial_id).delete()
    if not Trial.objects.filter(id=trial_id).update(report=storable(outcome.report.model_dump(mode="json"))):
        raise Conflict("trial_gone", "The trial was removed while it was carried out. Try the reward again.")
    TriedPrompt.objects.bulk_create(
        [
            TriedPrompt(
                trial_id=trial_id, number=number, shift=prompt.shift, reordered=prompt.reordered, flat=prompt.flat,
                body=storable(prompt.model_dump(mode="json")),
            )
            for number, prompt in enumerate(outcome.prompts)
        ],
        batch_size=100,
    )


def _pipeline(asked: TrialIn, project: Project) -> RewardPipeline:
    """Models by id: the job resolves them as it begins."""
    if asked.pipeline is not None:
        return checked(asked.pipeline, project=project)
    return saved_pipeline(asked.reward_version_id or "", project=project)


def _check_source(asked: TrialIn, project: Project) -> None:
    try:
        sources.check(asked.source, project)
    except Problem as problem:
        field = problem.errors[0].field if problem.errors else sources.FIELD[asked.source.kind]
        raise Invalid(problem.detail, [FieldError(f"source.{field}", problem.detail)]) from problem


def _forget_oldest(project: Project, actor: Actor) -> None:
    mine = Trial.objects.filter(project=project, created_by=actor.user).order_by("-created_at", "-id")
    Trial.objects.filter(id__in=list(mine.values_list("id", flat=True)[KEPT_EACH:])).delete()
