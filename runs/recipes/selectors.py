"""Reads of recipes and recipe runs."""

from typing import Any

from django.db.models import Prefetch, QuerySet

from runs.accounts.models import Project
from runs.launches.models import Run
from runs.problems import NotFound
from runs.recipes.definition import Definition, parse
from runs.recipes.gallery import built_in
from runs.recipes.models import Recipe, RecipeRun, Stage
from runs.recipes.states import DONE, StageState


def recipe_list(project: Project) -> QuerySet[Recipe]:
    """Those that the project saved itself."""
    return Recipe.objects.filter(project=project, deleted_at=None)


def definition_of(project: Project, recipe: str) -> Definition:
    """A built-in by its name, or one of the project's own by its id. Raises NotFound."""
    found = built_in().get(recipe)
    if found is not None:
        return found
    own = recipe_list(project).filter(id=recipe).first()
    if own is None:
        raise NotFound(f"This project has no recipe “{recipe}”. Built in are: {', '.join(built_in())}.")
    return parse(own.definition)


def recipe_run_list(project: Project) -> QuerySet[RecipeRun]:
    stages = Prefetch("stages", Stage.objects.only("id", "recipe_run_id", "name", "kind", "state", "position"))
    return RecipeRun.objects.filter(project=project).select_related("created_by").prefetch_related(stages)


def stage_facts(recipe_run: RecipeRun) -> list[dict[str, Any]]:
    """The stages with what a page shows of each: titles, the run's progress, and what a waiting one waits for."""
    stages = list(recipe_run.stages.select_related("approved_by", "reused_from"))
    runs = {run.id: run for run in Run.objects.filter(id__in=[one.subject_id for one in stages if one.kind == "run"])}
    told = {one["name"]: one for one in recipe_run.definition["stages"]}
    states = {one.name: one.state for one in stages}
    return [_facts(stage, told[stage.name], runs.get(stage.subject_id), states) for stage in stages]


def _facts(stage: Stage, told: dict[str, Any], run: Run | None, states: dict[str, str]) -> dict[str, Any]:
    shown = ("name", "kind", "needs", "state", "attempt", "subject_id", "body", "outputs", "failure", "started_at", "finished_at")
    return {name: getattr(stage, name) for name in shown} | {
        "title": told.get("title") or stage.name,
        "help": told.get("help", ""),
        "template": told.get(stage.kind) or {},
        "reused_from": stage.reused_from_id,
        "approved_by": stage.approved_by,
        "waits_for": [name for name in stage.needs if states[name] not in DONE] if stage.state == StageState.WAITING else [],
        "run": run,
    }
