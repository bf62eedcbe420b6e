"""A recipe is started: checked as a whole, written down with all its stages, then advanced for the first time."""

from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit
from runs.problems import Conflict, FieldError, Invalid
from runs.recipes.checking import check_start, order
from runs.recipes.definition import Definition, StageDefinition, parse
from runs.recipes.models import RecipeRun, Stage
from runs.recipes.references import Reference, references_in
from runs.recipes.selectors import definition_of
from runs.recipes.services.advance import advance
from runs.recipes.services.save import stored
from runs.recipes.states import DONE, OPEN, StageState

Params = dict[str, Any]


@transaction.atomic
def start(project: Project, actor: Actor, *, recipe: str, params: Params, name: str = "") -> RecipeRun:
    """A new recipe run, its first stages begun. Raises NotFound for an unknown recipe, Invalid with every fault by field."""
    definition = definition_of(project, recipe)
    checked = check_start(definition, params, project)
    checked.raise_if_any()
    recipe_run = RecipeRun.objects.create(
        project=project, created_by=actor.user, recipe=recipe, name=name or _next_name(project, recipe, definition),
        definition=stored(definition), params=checked.params,
    )
    for position, stage in enumerate(definition.stages):
        _new_stage(recipe_run, stage, position)
    audit(project, actor, "recipe.start", recipe_run.id, {"recipe": recipe, "name": recipe_run.name})
    return advance(recipe_run.id) or recipe_run


@transaction.atomic
def restart(old: RecipeRun, actor: Actor, *, stage: str, params: Params) -> RecipeRun:
    """A new recipe run that does `stage` and what follows from it anew and reuses what else is done.

    `params` are changes to the old run's. Raises Invalid for an unknown stage, or for a change that a reused stage used.
    """
    definition = parse(old.definition)
    if stage not in [one.name for one in definition.stages]:
        message = f"The recipe has no stage “{stage}”."
        raise Invalid(message, [FieldError("stage", message)])
    if old.state in OPEN:
        raise Conflict("recipe_open", "This recipe run is still going. Cancel it, or wait until it has ended.")
    anew = {stage, *followers(definition, stage)}
    done = {one.name: one for one in old.stages.all() if one.state in DONE}
    reused = {name: one for name, one in done.items() if name not in anew}
    _refuse_changes_of(definition, reused, {key for key, value in params.items() if old.params.get(key) != value})
    checked = check_start(definition, old.params | params, old.project)
    checked.raise_if_any()
    recipe_run = RecipeRun.objects.create(
        project=old.project, created_by=actor.user, recipe=old.recipe, name=_next_name(old.project, old.recipe, definition),
        definition=old.definition, params=checked.params, restarted_from=old, restarted_at=stage,
    )
    for position, one in enumerate(definition.stages):
        _new_stage(recipe_run, one, position, reused.get(one.name))
    audit(old.project, actor, "recipe.restart", recipe_run.id, {"from": old.id, "stage": stage})
    return advance(recipe_run.id) or recipe_run


def followers(definition: Definition, stage: str) -> list[str]:
    """The stages that need `stage`, at once or through others."""
    found = {stage}
    for name in order(definition):
        if found & set(definition.stage(name).needs()):
            found.add(name)
    return [one.name for one in definition.stages if one.name in found - {stage}]


def _new_stage(recipe_run: RecipeRun, stage: StageDefinition, position: int, reused: Stage | None = None) -> None:
    given: dict[str, Any] = {}
    if reused:
        given = {
            "state": StageState.REUSED, "subject_id": reused.subject_id, "body": reused.body, "outputs": reused.outputs,
            "reused_from": reused.reused_from or reused.recipe_run, "finished_at": reused.finished_at,
            "started_at": reused.started_at, "approved_by": reused.approved_by,
        }
    Stage.objects.create(
        recipe_run=recipe_run, name=stage.name, kind=stage.kind, position=position, needs=stage.needs(), **given
    )


def _refuse_changes_of(definition: Definition, reused: dict[str, Stage], changed: set[str]) -> None:
    """A reused stage ran with the old value: another one would say of it what is not so."""
    errors = []
    for name in reused:
        for _, reference in references_in(definition.stage(name).body):
            if isinstance(reference, Reference) and reference.root == "params" and reference.name in changed:
                message = f"The stage {name}, which is reused, used it. Restart from {name} to change it."
                errors.append(FieldError(f"params.{reference.name}", message))
    if errors:
        raise Invalid(f"{errors[0].field}: {errors[0].message}", errors)


def _next_name(project: Project, recipe: str, definition: Definition) -> str:
    count = RecipeRun.objects.filter(project=project, recipe=recipe).count()
    return f"{definition.title[:100]} {count + 1}"
