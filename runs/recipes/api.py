"""Recipes and recipe runs over REST."""

from typing import Annotated, Any

from ninja import Query, Router, Status

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.paging import Page, paginate
from runs.problems import FieldError, Invalid, Problem
from runs.recipes import selectors, services
from runs.recipes.checking import check_definition, check_start
from runs.recipes.definition import Definition, parse, read_text
from runs.recipes.gallery import built_in
from runs.recipes.models import Recipe, RecipeRun
from runs.recipes.schemas import (
    RecipeFault,
    RecipeIn,
    RecipeOut,
    RecipeRunOut,
    RecipeRunSummary,
    RecipeValidation,
    RestartIn,
    StageSketch,
    StartIn,
    ValidateIn,
)

router = Router(tags=["recipes"])


@router.get("/projects/{project_id}/recipes", response=Page[RecipeOut], operation_id="list_recipes")
def list_recipes(
    request: ApiRequest, project_id: str, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, object]:
    """The built-in recipes, on the first page, then the project's own."""
    project = project_for(request, project_id)
    own, following = paginate(selectors.recipe_list(project), cursor, limit)
    first = [] if cursor else [_shown(name, definition) for name, definition in built_in().items()]
    return {"items": [*first, *map(_own, own)], "next": following}


@router.post("/projects/{project_id}/recipes", response={201: RecipeOut}, operation_id="create_recipe")
def create_recipe(request: ApiRequest, project_id: str, body: RecipeIn) -> Status[RecipeOut]:
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, _own(services.save_recipe(project, request.auth, _document(body))))


@router.post("/projects/{project_id}/recipes/validate", response=RecipeValidation, operation_id="validate_recipe")
def validate_recipe(request: ApiRequest, project_id: str, body: ValidateIn) -> RecipeValidation:
    """What is wrong with a recipe, or with starting it with `params`: every fault by its field. Changes nothing."""
    project = project_for(request, project_id)
    try:
        definition = selectors.definition_of(project, body.recipe) if body.recipe else parse(_document(body))
    except Problem as problem:
        if problem.status != 422:
            raise
        return RecipeValidation(valid=False, errors=_faults(problem.errors), stages=[])
    if body.params is None:
        errors = check_definition(definition, project)
    else:
        errors = check_start(definition, body.params, project).errors
    return RecipeValidation(valid=not errors, errors=_faults(errors), stages=_sketch(definition))


@router.get("/recipes/{recipe_id}", response=RecipeOut, operation_id="get_recipe")
def get_recipe(request: ApiRequest, recipe_id: str) -> RecipeOut:
    """A built-in by its name, or one of a project's own by its id."""
    found = built_in().get(recipe_id)
    return _shown(recipe_id, found) if found else _own(get_visible(request, Recipe, recipe_id))


@router.put("/recipes/{recipe_id}", response=RecipeOut, operation_id="change_recipe")
def change_recipe(request: ApiRequest, recipe_id: str, body: RecipeIn) -> RecipeOut:
    recipe = get_visible(request, Recipe, recipe_id, at_least=Role.EDITOR)
    return _own(services.change_recipe(recipe, request.auth, _document(body)))


@router.delete("/recipes/{recipe_id}", response={204: None}, operation_id="delete_recipe")
def delete_recipe(request: ApiRequest, recipe_id: str) -> Status[None]:
    services.delete_recipe(get_visible(request, Recipe, recipe_id, at_least=Role.EDITOR), request.auth)
    return Status(204, None)


@router.post("/projects/{project_id}/recipe-runs", response={201: RecipeRunOut}, operation_id="start_recipe")
def start_recipe(request: ApiRequest, project_id: str, body: StartIn) -> Status[dict[str, Any]]:
    """Starts a recipe: its first stages begin at once. Refused as a whole, by field, when something does not fit."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    started = services.start(project, request.auth, recipe=body.recipe, params=body.params, name=body.name)
    return Status(201, _graph(started))


@router.get("/projects/{project_id}/recipe-runs", response=Page[RecipeRunSummary], operation_id="list_recipe_runs")
def list_recipe_runs(
    request: ApiRequest, project_id: str, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, object]:
    items, following = paginate(selectors.recipe_run_list(project_for(request, project_id)), cursor, limit)
    return {"items": items, "next": following}


@router.get("/recipe-runs/{recipe_run_id}", response=RecipeRunOut, operation_id="get_recipe_run")
def get_recipe_run(request: ApiRequest, recipe_run_id: str) -> dict[str, Any]:
    return _graph(get_visible(request, RecipeRun, recipe_run_id))


@router.post("/recipe-runs/{recipe_run_id}/cancel", response=RecipeRunOut, operation_id="cancel_recipe_run")
def cancel_recipe_run(request: ApiRequest, recipe_run_id: str) -> dict[str, Any]:
    return _graph(services.cancel(_mine(request, recipe_run_id), request.auth))


@router.post("/recipe-runs/{recipe_run_id}/restart", response={201: RecipeRunOut}, operation_id="restart_recipe_run")
def restart_recipe_run(request: ApiRequest, recipe_run_id: str, body: RestartIn) -> Status[dict[str, Any]]:
    """A new recipe run from a stage on; what was done before it is reused, and shown as reused."""
    old = _mine(request, recipe_run_id)
    return Status(201, _graph(services.restart(old, request.auth, stage=body.stage, params=body.params)))


@router.post(
    "/recipe-runs/{recipe_run_id}/stages/{stage_name}/retry", response=RecipeRunOut, operation_id="retry_stage"
)
def retry_stage(request: ApiRequest, recipe_run_id: str, stage_name: str) -> dict[str, Any]:
    return _graph(services.retry(_mine(request, recipe_run_id), request.auth, stage=stage_name))


@router.post(
    "/recipe-runs/{recipe_run_id}/stages/{stage_name}/approve", response=RecipeRunOut, operation_id="approve_stage"
)
def approve_stage(request: ApiRequest, recipe_run_id: str, stage_name: str) -> dict[str, Any]:
    return _graph(services.approve(_mine(request, recipe_run_id), request.auth, stage=stage_name))


def _mine(request: ApiRequest, recipe_run_id: str) -> RecipeRun:
    return get_visible(request, RecipeRun, recipe_run_id, at_least=Role.EDITOR)


def _document(body: RecipeIn) -> dict[str, Any]:
    """Raises Invalid unless the recipe came in one of the two ways."""
    if (body.definition is None) == (body.text is None):
        message = "Send the recipe as `definition` or as `text`, one of the two."
        raise Invalid(message, [FieldError("definition", message)])
    return read_text(body.text) if body.text is not None else body.definition or {}


def _faults(errors: list[FieldError]) -> list[RecipeFault]:
    return [RecipeFault(field=error.field, message=error.message) for error in errors]


def _sketch(definition: Definition) -> list[StageSketch]:
    return [
        StageSketch(name=one.name, title=one.title or one.name, kind=one.kind, help=one.help, needs=one.needs())
        for one in definition.stages
    ]


def _shown(identifier: str, definition: Definition, recipe: Recipe | None = None) -> RecipeOut:
    return RecipeOut(
        id=identifier, title=definition.title, summary=definition.summary, built_in=recipe is None,
        params=definition.params,
        stages=_sketch(definition), definition=definition.model_dump(mode="json", exclude_unset=True, exclude_none=True),
        created_at=recipe.created_at if recipe else None, updated_at=recipe.updated_at if recipe else None,
    )


def _own(recipe: Recipe) -> RecipeOut:
    return _shown(recipe.id, parse(recipe.definition), recipe)


def _graph(recipe_run: RecipeRun) -> dict[str, Any]:
    """The recipe run with its stages and how each stands."""
    definition = parse(recipe_run.definition)
    shown = ("id", "project_id", "recipe", "name", "state", "params", "created_at", "finished_at", "created_by", "restarted_at")
    return {name: getattr(recipe_run, name) for name in shown} | {
        "title": definition.title,
        "asked": definition.params,
        "restarted_from": recipe_run.restarted_from_id,
        "stages": selectors.stage_facts(recipe_run),
    }
