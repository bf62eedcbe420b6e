"""Reads of the room: rewards, their versions, and pipelines made complete against catalogue and library."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from runs.accounts.models import Project
from runs.algorithms.selectors import complete_reward, reward_term_card
from runs.library.selectors import model_ref
from runs.problems import FieldError, Invalid, Problem
from runs.rewards.models import Reward, RewardVersion
from workers.contract.graders import GraderErrors, JudgeChoice, pipeline_of
from workers.contract.run_spec import ModelRef, RewardPipeline, RewardTerm

Resolve = Callable[[], ModelRef]


def reward_list(project: Project, *, q: str = "", deleted: bool = False) -> QuerySet[Reward]:
    """Rewards with their versions; `q` is a part of the name or the description."""
    rewards = with_versions(Reward.objects.filter(project=project, deleted_at__isnull=not deleted))
    return rewards.filter(Q(name__icontains=q) | Q(description__icontains=q)) if q else rewards


def with_versions(rewards: QuerySet[Reward]) -> QuerySet[Reward]:
    """Two queries for any number of rewards."""
    versions = RewardVersion.objects.select_related("created_by", "reward").order_by("-number")
    return rewards.select_related("created_by").prefetch_related(Prefetch("versions", versions))


def version_list(reward: Reward) -> QuerySet[RewardVersion]:
    return reward.versions.select_related("created_by", "reward").order_by("-number")


def graded_pipeline(grader: dict[str, Any], judge: JudgeChoice | None, *, project: Project) -> RewardPipeline:
    """OpenAI's grader as a pipeline, complete and checked. Raises Invalid with every fault of the grader or the pipeline."""
    try:
        pipeline = pipeline_of(grader, judge)
    except GraderErrors as refused:
        errors = [FieldError(f"grader.{field}".rstrip("."), message) for field, message in refused.errors]
        raise Invalid(f"The grader cannot be taken as a reward: {errors[0].message}", errors) from refused
    return checked(pipeline, project=project)


def version_ids(of: str, *, project: Project) -> list[str]:
    """Ids of a reward's versions, or of the one version that `of` names; none for what the project does not have."""
    versions = RewardVersion.objects.filter(Q(id=of) | Q(reward=of), project=project)
    return list(versions.values_list("id", flat=True))


def saved_pipeline(version_id: str, *, project: Project) -> RewardPipeline:
    """The pipeline of a saved version, bearing its id. Raises Invalid when it is unknown or its reward deleted."""
    version = RewardVersion.objects.select_related("reward").filter(id=version_id, project=project).first()
    if version is None:
        raise _refusal(f"No reward version {version_id} in this project. Choose another.")
    if version.reward.deleted_at:
        raise _refusal(f"Reward {version.reward.name} is deleted. Restore it or choose another.")
    return RewardPipeline.model_validate({**version.pipeline, "version_id": version.id})


def checked(pipeline: RewardPipeline, *, project: Project) -> RewardPipeline:
    """The pipeline with every default explicit and models by id only, as versions keep it.

    Raises Invalid with an error for each field (`pipeline.…`), models that are missing or of the wrong kind among them.
    """
    filled, errors = resolved(pipeline, project=project)
    if errors:
        raise Invalid(errors[0].message, [FieldError(f"pipeline.{one.field}".rstrip("."), one.message) for one in errors])
    terms = [term.model_copy(update={"model": None}) for term in filled.terms]
    return filled.model_copy(update={"terms": terms, "version_id": ""})


def resolved(pipeline: RewardPipeline, *, project: Project) -> tuple[RewardPipeline, list[FieldError]]:
    """The pipeline ready to be scored with, and what is wrong with it, fields as paths into the pipeline."""
    filled, errors = complete_reward(pipeline)
    completed, missing = with_models(filled, project=project)
    return completed, [*errors, *missing]


def with_models(pipeline: RewardPipeline, *, project: Project) -> tuple[RewardPipeline, list[FieldError]]:
    """The pipeline with every model that a term asks resolved, and what cannot be; nothing but ids is taken from outside."""
    terms, errors = [], []
    for index, term in enumerate(pipeline.terms):
        ref, fault = _model_of(term, partial(model_ref, term.model_id, project=project))
        terms.append(term.model_copy(update={"model": ref}))
        errors += [FieldError(f"terms.{index}.model_id", fault)] if fault else []
    return pipeline.model_copy(update={"terms": terms}), errors


def _model_of(term: RewardTerm, resolve: Resolve) -> tuple[ModelRef | None, str]:
    """The term's model, None where it asks none, and what is wrong with it."""
    card = reward_term_card(term.kind)
    if card is None:
        return None, ""
    if not term.model_id:
        return None, f"{card.title} asks a model. Choose one." if card.model_required else ""
    if card.model is None:
        return None, f"{card.title} asks no model. Remove it."
    try:
        ref = resolve()
    except Problem as problem:
        return None, problem.detail
    if ref.kind is not card.model:
        return ref, f"{ref.name} is a {ref.kind} model; this term asks a {card.model} model. Choose another."
    return ref, ""


def _refusal(message: str) -> Invalid:
    return Invalid(message, [FieldError("reward_version_id", message)])
