"""From a draft to the frozen spec: every default explicit, every reference resolved, every fault told by its field."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from runs.accounts.models import Project
from runs.algorithms import selectors
from runs.algorithms.selectors import resolve_config, resolve_reward
from runs.datasets.selectors import version_ref
from runs.launches.models import Checkpoint, Run
from runs.launches.provenance import commit, web_libraries
from runs.launches.schemas import RunDraft
from runs.library.selectors import model_ref
from runs.problems import Conflict, FieldError, Invalid, NotFound, Problem
from runs.rewards.selectors import saved_pipeline, with_models
from workers.contract.catalogue import MethodCard
from workers.contract.run_spec import DatasetRef, ModelRef, Provenance, RewardPipeline, RunSpec

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
        """What `make` answers, or None with its complaint noted: at its own fields when they lie below `where`."""
        try:
            return make()
        except Problem as problem:
            below = [error for error in problem.errors if error.field.startswith(f"{where}.")]
            self.errors.extend(below or [FieldError(where, problem.detail)])
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
    reward = _reward(draft, run.project, faults)
    faults.raise_if_any()
    spec = RunSpec(
        kind=card.kind,
        run_id=run.id,
        name=run.name,
        method=draft.method,
        config=config,
        models=models,
        datasets=datasets,
        reward=reward,
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
        return selectors.method_card(slug)
    except NotFound as missing:
        raise Invalid(missing.detail, [FieldError("method", missing.detail)]) from None


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
        elif ref := faults.attempt(f"models.{role}", partial(_ready_model, model_id, run.project)):
            if ref.kind not in needs[role].kinds:
                kinds = " or ".join(needs[role].kinds)
                faults.add(f"models.{role}", f"{ref.name} is a {ref.kind} model; {card.title} takes a {kinds} model as {role}.")
            refs[role] = ref
    final = final_model(waits_on) if waits_on else None
    if waits_on and final:
        return {role: final if ref.model_id == waits_on.id else ref for role, ref in refs.items()}, None
    return refs, waits_on


def _ready_model(model_id: str, project: Project) -> ModelRef:
    return checkpoint_ref(model_id, project) if model_id.startswith("ckp_") else model_ref(model_id, project=project)


def checkpoint_ref(checkpoint_id: str, project: Project) -> ModelRef:
    """A checkpoint as a model that another run reads, as long as its files are kept. Raises NotFound, or Conflict."""
    checkpoint = Checkpoint.objects.select_related("run").filter(id=checkpoint_id, run__project=project).first()
    if checkpoint is None:
        raise NotFound("This project has no such checkpoint. Choose another.")
    run = checkpoint.run
    if not checkpoint.is_there():
        gone = f"The files of step {checkpoint.step} of {run.name} are gone. Choose another checkpoint."
        raise Conflict("checkpoint_gone", gone)
    role = selectors.primary_role(run.method)
    place = Path(checkpoint.path) / role
    ref = ModelRef(model_id=checkpoint.id, name=f"{run.name} at step {checkpoint.step}", path=str(place),
                   kind=ModelRef.model_validate(run.spec["models"][role]).kind)
    if (place / "adapter_config.json").is_file():
        base = run.spec["models"][role]["path"]
        return ref.model_copy(update={"path": base, "adapter_path": str(place)})
    return ref


def _reward(draft: RunDraft, project: Project, faults: Faults) -> RewardPipeline | None:
    """The pipeline that the draft writes down, or a copy of the saved version that it names."""
    if draft.reward_version_id is None:
        # Which version a pipeline is a copy of is never taken from outside.
        given = draft.reward.model_copy(update={"version_id": ""}) if draft.reward else None
    elif draft.reward is not None:
        faults.add("reward_version_id", "The draft has a reward of its own too. Keep one of `reward` and `reward_version_id`.")
        return None
    else:
        version_id = draft.reward_version_id
        given = faults.attempt("reward_version_id", lambda: saved_pipeline(version_id, project=project))
        if given is None:
            return None
    reward = faults.attempt("reward", lambda: resolve_reward(draft.method, given))
    if reward is None:
        return None
    completed, errors = with_models(reward, project=project)
    for error in errors:
        faults.add(f"reward.{error.field}", error.message)
    return completed


def _upstream(run: Run, role: str, run_id: str, faults: Faults) -> Run | None:
    upstream = Run.objects.filter(project=run.project, id=run_id, deleted_at=None).first()
    if upstream is None:
        faults.add(f"models.{role}", "This project has no run by that id. Choose a model, or another run.")
    return upstream


def final_model(upstream: Run) -> ModelRef | None:
    """The model a run ended with; None while it has none or the library still looks at it."""
    if not upstream.final_model_id:
        return None
    try:
        return model_ref(upstream.final_model_id, project=upstream.project)
    except Problem:
        return None


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
            where, partial(version_ref, chosen.version_id, chosen.split, chosen.limit, project=run.project)
        )
        if ref is None:
            continue
        if ref.kind not in needs[role].kinds:
            kinds = " or ".join(needs[role].kinds)
            faults.add(where, f"{ref.name} holds rows of the kind {ref.kind}; {card.title} learns from {kinds}.")
        refs[role] = ref
    return refs

