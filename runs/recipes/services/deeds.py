"""What people do to a recipe run under way: open a gate, try a stage again, cancel the whole."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.services import audit
from runs.problems import Conflict, NotFound
from runs.recipes.kinds import kind_of
from runs.recipes.models import RecipeRun, Stage
from runs.recipes.services.advance import advance
from runs.recipes.states import BROKEN, LIVE, OPEN, RecipeState, StageState


@transaction.atomic
def approve(recipe_run: RecipeRun, actor: Actor, *, stage: str) -> RecipeRun:
    """Opens a gate. Raises Conflict when the stage is no gate that waits; a gate opened twice is open."""
    recipe_run, found = _locked(recipe_run, stage)
    if found.kind == "approve" and found.approved_by_id:
        return recipe_run
    if found.kind != "approve" or found.state != StageState.PEOPLE:
        raise Conflict("stage_state", f"The stage {stage} waits for no approval; it is {words(found.state)}.")
    Stage.objects.filter(id=found.id).update(approved_by=actor.user)
    audit(recipe_run.project, actor, "recipe.approve", recipe_run.id, {"stage": stage})
    return advance(recipe_run.id) or recipe_run


@transaction.atomic
def retry(recipe_run: RecipeRun, actor: Actor, *, stage: str) -> RecipeRun:
    """A stage that ended badly is tried again: its own run goes on, or a new subject is made. Raises Conflict."""
    recipe_run, found = _locked(recipe_run, stage)
    if found.state not in BROKEN:
        detail = f"The stage {stage} is {words(found.state)}; only one that failed or was cancelled is retried."
        raise Conflict("stage_state", detail)
    found.recipe_run = recipe_run
    audit(recipe_run.project, actor, "recipe.retry", recipe_run.id, {"stage": stage})
    changes: dict[str, Any] = {"failure": None, "finished_at": None}
    if kind_of(found.kind).again(found, actor):
        changes |= {"state": StageState.RUNNING}
    else:
        changes |= {"state": StageState.WAITING, "subject_id": "", "outputs": {}}
    Stage.objects.filter(id=found.id).update(**changes)
    if recipe_run.state == RecipeState.CANCELLED:  # those cancelled before they began have nothing to be retried
        never_begun = recipe_run.stages.filter(state=StageState.CANCELLED, attempt=0)
        never_begun.update(state=StageState.WAITING, finished_at=None)
    RecipeRun.objects.filter(id=recipe_run.id).update(state=RecipeState.RUNNING, finished_at=None)
    return advance(recipe_run.id) or recipe_run


@transaction.atomic
def cancel(recipe_run: RecipeRun, actor: Actor) -> RecipeRun:
    """Stops what is under way and begins nothing more. Raises Conflict when it has ended."""
    recipe_run, _ = _locked(recipe_run)
    if recipe_run.state not in OPEN:
        raise Conflict("recipe_ended", f"This recipe run has {words(recipe_run.state)} already; there is nothing to cancel.")
    for stage in recipe_run.stages.filter(state__in=LIVE):
        stage.recipe_run = recipe_run
        kind_of(stage.kind).stop(stage, actor)
    open_stages = recipe_run.stages.filter(state__in=(*LIVE, StageState.WAITING))
    open_stages.update(state=StageState.CANCELLED, finished_at=Now())
    RecipeRun.objects.filter(id=recipe_run.id).update(state=RecipeState.CANCELLED, finished_at=Now())
    audit(recipe_run.project, actor, "recipe.cancel", recipe_run.id, {})
    recipe_run.refresh_from_db()
    return recipe_run


def words(state: str) -> str:
    return state.replace("_", " ")


def _locked(recipe_run: RecipeRun, stage: str = "") -> tuple[RecipeRun, Stage]:
    """The row, held until the caller's transaction ends, and the stage by that name. Raises NotFound."""
    rows = RecipeRun.objects.select_related("project", "created_by")
    row = rows.select_for_update(of=("self",)).get(id=recipe_run.id)
    found = row.stages.filter(name=stage).first() if stage else Stage()
    if found is None:
        names = ", ".join(row.stages.values_list("name", flat=True))
        raise NotFound(f"This recipe run has no stage {stage}. It has: {names}.")
    return row, found
