"""From a draft to the frozen spec: every default explicit, every reference resolved, every fault told by its field."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from django.conf import settings

from runs.algorithms.selectors import catalogue, resolve_config
from runs.datasets.selectors import version_ref
from runs.launches.models import Run
from runs.launches.provenance import commit, web_libraries
from runs.launches.schemas import RunDraft
from runs.library.selectors import model_ref
from runs.problems import FieldError, Invalid, Problem
from workers.contract.catalogue import MethodCard
from workers.contract.run_spec import DatasetRef, ModelRef, Provenance, RunSpec

T = TypeVar("T")


@dataclass
class Frozen:
    """`live` are the values of the fields that may be changed while the run goes; `waits_on` a run not yet ended."""

    spec: RunSpec
    live: dict[str, float | None]
    waits_on: Run | None


@dataclass
class Faults:
    """Collects what is wrong, so that one answer tells all of it."""

    errors: list[FieldError] = field(default_factory=list)

    def add(self, where: str, message: str) -> None:
        self.errors.append(FieldError(where, message))

    def attempt(self, where: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except Problem as problem:
            inner = [FieldError(f"{where}.{e.field}".rstrip("."), e.message) for e in problem.errors]
            self.errors.extend(inner or [FieldError(where, problem.detail)])
            return None

    def raise_if_any(self) -> None:
        if self.errors:
            raise Invalid("The run cannot be launched as it is. " + self.errors[0].message, self.errors)


def freeze(run: Run, draft: RunDraft) -> Frozen:
    """The spec of `run` (not yet saved). Raises Invalid with all faults."""
    card = method_card(draft.method)
    faults = Faults()
    config = faults.attempt("config", lambda: resolve_config(draft.method, draft.config)) or {}
    models, waits_on = _models(run, draft, card, faults)
    datasets = _datasets(run, draft, card, faults)
    _check_reward(draft, card, faults)
    faults.raise_if_any()
    spec = RunSpec(
        run_id=run.id,
        name=run.name,
        method=draft.method,
        config=config,
        models=models,
        datasets=datasets,
        reward=draft.reward,
        resources=draft.resources,
        limits=draft.limits,
        seed=draft.seed,
        output_dir=str(settings.HOME / "runs" / run.id),
        provenance=Provenance(
            libraries=web_libraries(),
            commit=commit(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            cloned_from=draft.cloned_from,
        ),
    )
    return Frozen(spec=spec, live={path: value_at(config, path) for path in card.live_fields}, waits_on=waits_on)


def method_card(slug: str) -> MethodCard:
    """Raises Invalid for a method the catalogue does not have."""
    try:
        return catalogue().method(slug)
    except KeyError:
        message = f"There is no method {slug!r}. GET /api/v1/algorithms lists those there are."
        raise Invalid(message, [FieldError("method", message)]) from None


def value_at(config: dict[str, object], path: str) -> float | None:
    """The number at a dotted path of a config, or None."""
    here: object = config
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return float(here) if isinstance(here, int | float) and not isinstance(here, bool) else None


def _models(run: Run, draft: RunDraft, card: MethodCard, faults: Faults) -> tuple[dict[str, ModelRef], Run | None]:
    needs = {need.role: need for need in card.models}
    refs: dict[str, ModelRef] = {}
    waits_on: Run | None = None
    for role, need in needs.items():
        if need.required and role not in draft.models:
            faults.add(f"models.{role}", f"Choose a model for the role {role}.")
    for role, model_id in draft.models.items():
        if role not in needs:
            faults.add(f"models.{role}", f"{card.title} takes no model in the role {role}; it takes {', '.join(needs)}.")
        elif model_id.startswith("run_"):
            waits_on = _upstream(run, role, model_id, faults) or waits_on
            refs[role] = ModelRef(model_id=model_id, path="")
        elif ref := faults.attempt(f"models.{role}", lambda model_id=model_id: model_ref(model_id, project=run.project)):
            refs[role] = ref
    if waits_on is not None and waits_on.final_model_id:
        refs = {role: resolve_waiting(ref, waits_on) for role, ref in refs.items()}
        waits_on = None
    return refs, waits_on


def _upstream(run: Run, role: str, run_id: str, faults: Faults) -> Run | None:
    upstream = Run.objects.filter(project=run.project, id=run_id, deleted_at=None).first()
    if upstream is None:
        faults.add(f"models.{role}", "This project has no run by that id. Choose a model, or another run.")
    return upstream


def resolve_waiting(ref: ModelRef, upstream: Run) -> ModelRef:
    """The final model of `upstream` where `ref` waits for it; any other reference as it is."""
    return model_ref(upstream.final_model_id, project=upstream.project) if ref.model_id == upstream.id else ref


def _datasets(run: Run, draft: RunDraft, card: MethodCard, faults: Faults) -> dict[str, DatasetRef]:
    needs = {need.role: need for need in card.data}
    refs: dict[str, DatasetRef] = {}
    for role, need in needs.items():
        if need.required and role not in draft.datasets:
            faults.add(f"datasets.{role}", f"Choose a data set for the role {role}.")
    for role, chosen in draft.datasets.items():
        where = f"datasets.{role}"
        if role not in needs:
            faults.add(where, f"{card.title} takes no data set in the role {role}; it takes {', '.join(needs)}.")
            continue
        ref = faults.attempt(
            where, lambda c=chosen: version_ref(c.version_id, c.split, c.limit, project=run.project)
        )
        if ref is None:
            continue
        if ref.kind not in needs[role].kinds:
            kinds = " or ".join(needs[role].kinds)
            faults.add(where, f"{ref.name} holds rows of the kind {ref.kind}; {card.title} learns from {kinds}.")
        refs[role] = ref
    return refs


def _check_reward(draft: RunDraft, card: MethodCard, faults: Faults) -> None:
    if draft.reward is None:
        if card.needs_reward:
            faults.add("reward", f"{card.title} needs a reward. Add at least one term.")
        return
    known = {term.kind for term in catalogue().reward_terms}
    names = [term.name for term in draft.reward.terms]
    for index, term in enumerate(draft.reward.terms):
        if term.kind not in known:
            there = ", ".join(sorted(known))
            faults.add(f"reward.terms.{index}.kind", f"There is no reward term {term.kind!r}; there are {there}.")
        if names.index(term.name) != index:
            faults.add(f"reward.terms.{index}.name", f"Two terms are called {term.name}. Give each its own name.")
