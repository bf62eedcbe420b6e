"""Recipes that a project keeps."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit
from runs.problems import Invalid
from runs.recipes.checking import check_definition
from runs.recipes.definition import Definition, parse
from runs.recipes.models import Recipe


@transaction.atomic
def save_recipe(project: Project, actor: Actor, document: dict[str, Any]) -> Recipe:
    """Keeps a recipe that holds together. Raises Invalid with every fault by its field."""
    definition = sound(document, project)
    recipe = Recipe.objects.create(
        project=project, created_by=actor.user, title=definition.title, definition=stored(definition)
    )
    audit(project, actor, "recipe.create", recipe.id, {"title": recipe.title})
    return recipe


@transaction.atomic
def change_recipe(recipe: Recipe, actor: Actor, document: dict[str, Any]) -> Recipe:
    """The whole recipe anew; recipe runs keep the one they started with. Raises Invalid."""
    definition = sound(document, recipe.project)
    recipe.title, recipe.definition = definition.title, stored(definition)
    recipe.save()
    audit(recipe.project, actor, "recipe.change", recipe.id, {"title": recipe.title})
    return recipe


@transaction.atomic
def delete_recipe(recipe: Recipe, actor: Actor) -> None:
    if not recipe.deleted_at:
        Recipe.objects.filter(id=recipe.id).update(deleted_at=Now())
        audit(recipe.project, actor, "recipe.delete", recipe.id, {"title": recipe.title})


def sound(document: dict[str, Any], project: Project) -> Definition:
    """Raises Invalid with every fault."""
    definition = parse(document)
    if errors := check_definition(definition, project):
        raise Invalid(f"The recipe cannot be used as it is. {errors[0].field}: {errors[0].message}", errors)
    return definition


def stored(definition: Definition) -> dict[str, Any]:
    """Only what was said: defaults are the reader's."""
    return definition.model_dump(mode="json", exclude_unset=True, exclude_none=True)
