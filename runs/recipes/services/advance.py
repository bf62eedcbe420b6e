"""What moves a recipe run on. May be called by anybody, at any time, any number of times: it looks and does what is due.

All of one call is one transaction on the locked row of the recipe run: a stage's subject and the note that it was begun
are there together or not at all, so that a process killed in the middle leaves a recipe run that the next call goes on
with, and no stage is begun twice.
"""

from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from runs.accounts.access import Actor, Role, role_in
from runs.launches.models import Run
from runs.launches.states import FINAL as RUN_FINAL
from runs.problems import Problem
from runs.recipes.definition import Definition, parse
from runs.recipes.kinds import Seen, failure, kind_of
from runs.recipes.models import RecipeRun, Stage, StageStart
from runs.recipes.references import ABSENT, Reference, resolve
from runs.recipes.states import BROKEN, DONE, LIVE, OPEN, RecipeState, StageState, recipe_state

log = structlog.get_logger(__name__)


@transaction.atomic
def advance(recipe_run_id: str) -> RecipeRun | None:
    """Looks at what is under way, begins what may begin, settles the whole. None when there is no such recipe run."""
    rows = RecipeRun.objects.select_related("project", "created_by").filter(id=recipe_run_id)
    recipe_run = rows.select_for_update(of=("self",)).first()
    if recipe_run is None or recipe_run.state in (RecipeState.SUCCEEDED, RecipeState.CANCELLED):
        return recipe_run
    stages = {stage.name: stage for stage in recipe_run.stages.all()}
    for stage in stages.values():
        stage.recipe_run = recipe_run
        if stage.state in LIVE or (stage.state in BROKEN and stage.subject_id):
            _note(stage, kind_of(stage.kind).look(stage))
    _begin_what_may(recipe_run, stages)
    return _settle(recipe_run, stages)


def advance_open() -> int:
    """The sweep: every recipe run that is under way, and those with an ended stage whose run goes on again."""
    alive = Run.objects.exclude(state__in=RUN_FINAL).values("id")
    revived = Stage.objects.filter(state__in=BROKEN, subject_id__in=alive).values("recipe_run_id")
    due = RecipeRun.objects.filter(Q(state__in=OPEN) | Q(state=RecipeState.FAILED, id__in=revived), project__deleted_at=None)
    moved = 0
    for recipe_run_id in due.values_list("id", flat=True):
        try:
            moved += advance(recipe_run_id) is not None
        except Exception:
            log.exception("recipe_not_advanced", recipe_run=recipe_run_id)  # one that cannot go on holds up no other
    return moved


def _begin_what_may(recipe_run: RecipeRun, stages: dict[str, Stage]) -> None:
    """Each waiting stage whose needs are done; some, such as a gate's followers, are found at a later call."""
    definition = parse(recipe_run.definition)
    for stage in stages.values():
        if stage.state == StageState.WAITING and all(stages[name].state in DONE for name in stage.needs):
            _begin(stage, definition, stages)


def _begin(stage: Stage, definition: Definition, stages: dict[str, Stage]) -> None:
    """Makes the stage's subject. What is refused fails the stage with the refusal's own words and leaves nothing behind."""
    try:
        with transaction.atomic():
            stage.attempt += 1
            stage.body = resolve(definition.stage(stage.name).body, _values(stage.recipe_run, stages))
            begun = kind_of(stage.kind).begin(stage, _starter(stage.recipe_run))
            StageStart.objects.create(stage=stage, attempt=stage.attempt, subject_id=begun.subject_id)
    except Problem as problem:
        fields = "; ".join(f"{error.field}: {error.message}" for error in problem.errors[:3])
        begun = Seen(StageState.FAILED, failure=failure(problem.detail, code=problem.code, remedy=fields))
    stage.started_at, stage.subject_id = Now(), begun.subject_id
    stage.save(update_fields=["attempt", "body", "started_at", "subject_id"])
    _note(stage, begun)


def _values(recipe_run: RecipeRun, stages: dict[str, Stage]) -> Any:
    def look_up(reference: Reference) -> Any:
        if reference.root == "stages":
            outputs = stages[reference.name].outputs
            if reference.part not in outputs:
                detail = f"The stage {reference.name} ended without its {reference.part.replace('_', ' ')}. Restart from there."
                raise Problem(status=409, code="no_output", detail=detail)
            return outputs[reference.part]
        value = recipe_run.params.get(reference.name)
        return ABSENT if value is None else value

    return look_up


def _starter(recipe_run: RecipeRun) -> Actor:
    """Who started the recipe is who launches its stages. Raises Problem when they may not any more."""
    user = recipe_run.created_by
    if user is None or not user.is_active:
        raise Problem(status=403, code="starter_gone", detail="Who started this recipe has left. Restart it from this stage.")
    actor = Actor(user=user)
    role = role_in(actor, recipe_run.project_id)
    if role is None or not role.at_least(Role.EDITOR):
        name = user.name or user.email
        detail = f"{name}, who started this recipe, may not launch runs here any more. Restart it from this stage."
        raise Problem(status=403, code="starter_gone", detail=detail)
    return actor


def _note(stage: Stage, seen: Seen) -> None:
    """Keeps what was seen, where it is new."""
    if seen.state == stage.state and seen.state in (*LIVE, *BROKEN):
        return
    stage.state, stage.outputs, stage.failure = seen.state, seen.outputs, seen.failure
    stage.finished_at = None if seen.state in LIVE else Now()
    stage.save(update_fields=["state", "outputs", "failure", "finished_at"])


def _settle(recipe_run: RecipeRun, stages: dict[str, Stage]) -> RecipeRun:
    state = recipe_state(stage.state for stage in stages.values())
    if state != recipe_run.state:
        ended = None if state in OPEN else Now()
        RecipeRun.objects.filter(id=recipe_run.id).update(state=state, finished_at=ended)
        recipe_run.refresh_from_db(fields=["state", "finished_at"])
    return recipe_run
