"""Reads of the catalogue, and configs made complete against it. Nothing here loads the engine's code."""

from functools import cache
from typing import Any

from django.db.models import QuerySet

from runs.accounts.models import Project
from runs.algorithms.models import AlgorithmConfig
from runs.algorithms.signals import workers_asked
from runs.algorithms.validation import complete
from runs.problems import FieldError, Invalid, NotFound
from workers.contract.catalogue import Catalogue, MethodCard, RewardTermCard, catalogue_hash, load_catalogue
from workers.contract.run_spec import RewardPipeline


def catalogue() -> Catalogue:
    return load_catalogue()


@cache
def current_hash() -> str:
    return catalogue_hash(load_catalogue())


def method_card(slug: str) -> MethodCard:
    """Raises NotFound."""
    try:
        return catalogue().method(slug)
    except KeyError:
        raise NotFound(f"No method is called “{slug}”. Pick one from the catalogue.") from None


def primary_role(slug: str) -> str:
    """The role whose model the method's runs are about: the one trained, evaluated or served. Raises NotFound."""
    return method_card(slug).models[0].role


def missing_on_workers() -> list[str]:
    """Slugs that no worker online knows: all of them when none announces this very catalogue."""
    answers = [hashes for _, hashes in workers_asked.send(sender=Catalogue)]
    known = any(current_hash() in (hashes or []) for hashes in answers)
    return [] if known else [card.slug for card in catalogue().methods]


def check_config(slug: str, config: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The config with every default explicit and what is wrong with it, fields as dotted paths into the config."""
    return complete(method_card(slug).config_schema, config)


def resolve_config(method: str, config: dict[str, Any]) -> dict[str, Any]:
    """The config with every default explicit. Raises Invalid with an error for each field (`config.…`), NotFound."""
    filled, errors = check_config(method, config)
    if errors:
        raise Invalid(_summary("settings", errors), _below("config", errors))
    return filled


def check_reward(method: str, reward: RewardPipeline | None) -> tuple[RewardPipeline | None, list[FieldError]]:
    """The pipeline with every term's params complete and what is wrong with it, fields as paths into the pipeline."""
    card = method_card(method)
    if reward is None:
        missing = FieldError("", f"{card.title} learns from a reward. Add at least one reward term.")
        return None, [missing] if card.needs_reward else []
    if not (card.needs_reward or card.takes_reward):
        return reward, [FieldError("", f"{card.title} uses no reward. Remove the reward terms.")]
    return complete_reward(reward)


def complete_reward(reward: RewardPipeline) -> tuple[RewardPipeline, list[FieldError]]:
    """The pipeline with every term's params complete and what is wrong with it, fields as paths into the pipeline."""
    terms, errors = [], _repeated_names(reward)
    for index, term in enumerate(reward.terms):
        params, found = _check_term(term.kind, term.params)
        terms.append(term.model_copy(update={"params": params}))
        errors += _below(f"terms.{index}", found)
    if all(term.gate for term in reward.terms):
        errors.append(FieldError("terms", "Every term is a gate, and a gate adds nothing. Add a term without one."))
    return reward.model_copy(update={"terms": terms}), errors


def resolve_reward(method: str, reward: RewardPipeline | None) -> RewardPipeline | None:
    """The pipeline with every term's params complete. Raises Invalid with an error for each field (`reward.…`)."""
    filled, errors = check_reward(method, reward)
    if errors:
        raise Invalid(_summary("parts of the reward", errors), _below("reward", errors))
    return filled


def saved_configs(project: Project) -> QuerySet[AlgorithmConfig]:
    return AlgorithmConfig.objects.filter(project=project, deleted_at=None)


def _check_term(kind: str, params: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    card = reward_term_card(kind)
    if card is None:
        kinds = ", ".join(sorted(known.kind for known in catalogue().reward_terms))
        return params, [FieldError("kind", f"No reward term is called “{kind}”. Choose one of {kinds}.")]
    filled, errors = complete(card.params_schema, params)
    return filled, _below("params", errors)


def reward_term_card(kind: str) -> RewardTermCard | None:
    """None for a kind that the catalogue does not have."""
    return next((card for card in catalogue().reward_terms if card.kind == kind), None)


def _repeated_names(reward: RewardPipeline) -> list[FieldError]:
    names = [term.name for term in reward.terms]
    return [
        FieldError(f"terms.{index}.name", f"Two terms are called “{name}”. Rename one; its curve bears the name.")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _below(prefix: str, errors: list[FieldError]) -> list[FieldError]:
    return [FieldError(f"{prefix}.{error.field}".rstrip("."), error.message) for error in errors]


def _summary(thing: str, errors: list[FieldError]) -> str:
    if len(errors) == 1:
        return errors[0].message
    return f"{len(errors)} {thing} need a change. First: {errors[0].message}"
