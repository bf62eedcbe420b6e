"""A stage that is a run: its template is the draft that the form of a new run would send."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.algorithms import selectors as algorithms
from runs.datasets.selectors import version_ref
from runs.launches import services as launches
from runs.launches.models import Artifact, Run
from runs.launches.schemas import ControlIn, RunDraft
from runs.launches.states import FINAL, State
from runs.library.models import LibraryModel, ModelState
from runs.library.selectors import model_ref
from runs.problems import FieldError, NotFound, Problem
from runs.recipes.kinds import Body, Kind, Seen, failure, name_of_subject
from runs.recipes.models import Stage
from runs.recipes.shapes import shape_faults, shaped
from runs.recipes.slots import Slot, plain, slots_in
from runs.recipes.states import StageState
from workers.contract.catalogue import DataNeed, MethodCard, ModelNeed
from workers.contract.products import ProductKind
from workers.contract.run_spec import ModelKind, RewardPipeline, RunKind

TAG = "recipe"
PRODUCTS = {RunKind.GENERATE: ProductKind.SAMPLES, RunKind.EVALUATE: ProductKind.EVALUATION}


def outputs(body: Body) -> dict[str, Slot]:
    """By what its method does: a model, samples or an evaluation; all of them while nobody knows the method."""
    card = _card(body)
    found = {"run": Slot("run")}
    if card is None or card.kind is RunKind.TRAIN:
        is_reward = card is not None and ModelKind.REWARD in card.models[0].kinds
        found["model"] = Slot("model", head=ModelKind.REWARD if is_reward else ModelKind.CAUSAL)
        found |= {"reward_report": Slot("report")} if is_reward else {}
    for kind, product in PRODUCTS.items():
        if card is None or card.kind is kind:
            found[product.value] = Slot(product.value)
    return found


def check(body: Body, project: Project | None) -> list[FieldError]:
    draft = plain(body)
    faults = shape_faults(RunDraft, draft)
    card = _card(body)
    if card is None:
        method = draft.get("method", "")
        return [*faults, FieldError("method", f"No method is called “{method}”. Pick one from the catalogue.")]
    if not faults:
        faults += _below("config", algorithms.check_config(card.slug, draft.get("config", {}))[1])
        reward = draft.get("reward")
        pipeline = RewardPipeline.model_validate(reward) if reward else None
        if pipeline or not draft.get("reward_version_id"):
            faults += _below("reward", algorithms.check_reward(card.slug, pipeline)[1])
    return [*faults, *_model_faults(body, card, project), *_data_faults(body, card, project), *_misplaced(body)]


def _card(body: Body) -> MethodCard | None:
    try:
        return algorithms.method_card(str(body.get("method", "")))
    except NotFound:
        return None


def _below(prefix: str, errors: list[FieldError]) -> list[FieldError]:
    return [FieldError(f"{prefix}.{error.field}".rstrip("."), error.message) for error in errors]


def _role_faults(
    group: str, thing: str, given: dict[str, Any], needs: Sequence[ModelNeed | DataNeed], card: MethodCard
) -> Iterator[FieldError]:
    """Roles that the method needs and nobody fills, and those that it does not have."""
    roles = [need.role for need in needs]
    for need in needs:
        if need.required and need.role not in given:
            yield FieldError(f"{group}.{need.role}", f"Choose a {thing} for the role {need.role}.")
    for role in given:
        if role not in roles:
            message = f"{card.title} takes no {thing} in the role {role}; it takes {', '.join(roles)}."
            yield FieldError(f"{group}.{role}", message)


def _model_faults(body: Body, card: MethodCard, project: Project | None) -> Iterator[FieldError]:
    given = _group(body, "models")
    yield from _role_faults("models", "model", given, card.models, card)
    for need in card.models:
        if need.role in given:
            yield from _model_fits(f"models.{need.role}", given[need.role], need.kinds, project)
    for index, term in enumerate(_terms(body)):
        asked = algorithms.reward_term_card(str(term.get("kind", "")))
        if asked and asked.model and term.get("model_id"):
            yield from _model_fits(f"reward.terms.{index}.model_id", term["model_id"], [asked.model], project)


def _model_fits(place: str, value: Any, kinds: list[ModelKind], project: Project | None) -> Iterator[FieldError]:
    """A slot must be a model with one of the heads asked for; an id written into the recipe must be there and fit."""
    head = value.head if isinstance(value, Slot) else None
    if isinstance(value, Slot) and value.what != "model":
        yield FieldError(place, f"{value.said} is {value.what}; a model belongs here.")
        return
    if isinstance(value, str) and value.startswith("mdl_") and project:
        try:
            head = model_ref(value, project=project).kind
        except Problem as problem:
            yield FieldError(place, problem.detail)
    if head and head not in kinds:
        name = value.said if isinstance(value, Slot) else value
        yield FieldError(place, f"{name} is a {head} model; a {' or '.join(kinds)} model belongs here.")


def _data_faults(body: Body, card: MethodCard, project: Project | None) -> Iterator[FieldError]:
    given = _group(body, "datasets")
    yield from _role_faults("datasets", "data set", given, card.data, card)
    for need in card.data:
        if need.role in given:
            yield from _data_fits(f"datasets.{need.role}", given[need.role], need, card, project)


def _data_fits(place: str, value: Any, need: DataNeed, card: MethodCard, project: Project | None) -> Iterator[FieldError]:
    """A slot must hold rows that the method learns from; a version written into the recipe must be there."""
    version = value.get("version_id") if isinstance(value, dict) else value
    if isinstance(version, Slot):
        wanted = "data set" if version is value else "version"
        if version.what != wanted:
            yield FieldError(place, f"{version.said} is {version.what}; a {wanted} belongs here.")
        elif version.rows and not set(version.rows) & set(need.kinds):
            rows, kinds = " or ".join(version.rows), " or ".join(need.kinds)
            yield FieldError(place, f"{version.said} holds rows of the kind {rows}; {card.title} learns from {kinds}.")
    elif project and isinstance(value, dict):
        yield from _refusal(place, partial(version_ref, str(version), str(value.get("split", "train")), project=project))


def _refusal(place: str, ask: Any) -> Iterator[FieldError]:
    try:
        ask()
    except Problem as problem:
        yield FieldError(place, problem.detail)


def _misplaced(body: Body) -> Iterator[FieldError]:
    """Slots where a draft has a plain setting."""
    for place, slot in slots_in(body):
        path = place.split(".")
        at_home = path[0] in ("models", "datasets") or (path[-1] == "model_id" and path[:2] == ["reward", "terms"])
        if not at_home:
            yield FieldError(place, f"{slot.said} is {slot.what}; a plain setting belongs here.")


def _group(body: Body, name: str) -> dict[str, Any]:
    found = body.get(name, {})
    return found if isinstance(found, dict) else {}


def _terms(body: Body) -> list[dict[str, Any]]:
    terms = _group(body, "reward").get("terms", [])
    return [term for term in terms if isinstance(term, dict)] if isinstance(terms, list) else []


def begin(stage: Stage, actor: Actor) -> Seen:
    draft = shaped(RunDraft, stage.body)
    named = {"name": draft.name or name_of_subject(stage), "tags": [*draft.tags, TAG]}
    run = launches.create_run(stage.recipe_run.project, draft.model_copy(update=named), actor)
    return Seen(StageState.RUNNING, subject_id=run.id)


def look(stage: Stage) -> Seen:
    run = Run.objects.filter(id=stage.subject_id).first()
    if run is None or run.deleted_at:
        return Seen(StageState.FAILED, failure=failure("Its run was deleted.", remedy="Retry the stage: a new run is launched."))
    if run.state == State.FAILED:
        return Seen(StageState.FAILED, failure=run.failure or failure("Its run failed."))
    if run.state == State.CANCELLED:
        why = failure("Its run was cancelled.", code="cancelled", remedy="Retry the stage to go on.")
        return Seen(StageState.CANCELLED, failure=why)
    if run.state != State.SUCCEEDED:
        return Seen(StageState.RUNNING)
    return _succeeded(run)


def _succeeded(run: Run) -> Seen:
    """What the run left. A model counts once the library has looked at it."""
    found: dict[str, Any] = {"run": run.id}
    for kind, artifact_id in Artifact.objects.filter(run=run).order_by("created_at", "id").values_list("kind", "id"):
        found[kind] = artifact_id
    promised = outputs({"method": run.method})
    if "model" in promised:
        model = LibraryModel.objects.filter(id=run.final_model_id).first()
        if model is not None and model.state == ModelState.INSPECTING:
            return Seen(StageState.RUNNING)
        if model is None or model.state != ModelState.READY:
            why = failure("Its run ended without a model that can be used.", remedy="See its log.")
            return Seen(StageState.FAILED, failure=why)
        found["model"] = model.id
    missing = [name for name, slot in promised.items() if slot.what in PRODUCTS.values() and name not in found]
    if missing:
        return Seen(StageState.FAILED, failure=failure(f"Its run ended without {missing[0]}.", remedy="See its log, then retry."))
    return Seen(StageState.SUCCEEDED, outputs=found)


def stop(stage: Stage, actor: Actor) -> None:
    run = Run.objects.filter(id=stage.subject_id).first()
    if run is not None and run.state not in FINAL:
        launches.request_control(run, ControlIn(type="cancel"), actor)


def again(stage: Stage, actor: Actor) -> bool:
    """The very run, from its newest checkpoint; a new one when it is gone, or when it ended well without its product."""
    run = Run.objects.filter(id=stage.subject_id, deleted_at=None, state__in=(State.FAILED, State.CANCELLED)).first()
    if run is None:
        return False
    with transaction.atomic():
        launches.retry(run, actor)
    return True


KIND = Kind(outputs=outputs, check=check, begin=begin, look=look, stop=stop, again=again)
