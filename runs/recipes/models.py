"""Recipes that people saved, recipe runs and their stages."""

from django.conf import settings
from django.db import models

from runs.ids import new_id
from runs.recipes.states import RecipeState, StageState


def new_recipe_id() -> str:
    return new_id("rcp")


def new_recipe_run_id() -> str:
    return new_id("rrn")


class Recipe(models.Model):
    """A definition that a project keeps. A recipe run has a copy, so that a change here changes none."""

    id = models.CharField(primary_key=True, max_length=40, default=new_recipe_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="recipes")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    title = models.CharField(max_length=120)
    definition = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="recipe_of_project"),)

    def __str__(self) -> str:
        return self.id


class RecipeRun(models.Model):
    """One start of a recipe: `definition` and `params` as they were then. `recipe` is a built-in's name or a Recipe's id.

    Started again from a stage, it names the run it came `from` and the first stage that is done anew.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_recipe_run_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="recipe_runs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    recipe = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    definition = models.JSONField(default=dict)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=RecipeState.choices, default=RecipeState.RUNNING)
    restarted_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="restarts")
    restarted_at = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["project", "-created_at"], name="recipe_run_of_project"),
            models.Index(fields=["state"], name="recipe_run_open"),
        )

    def __str__(self) -> str:
        return self.id


class Stage(models.Model):
    """One stage of a recipe run. `subject_id` is the run, campaign or export of labels that it is about, once begun.

    `body` is the stage's template with every reference replaced, `outputs` what later stages may refer to.
    """

    recipe_run = models.ForeignKey(RecipeRun, on_delete=models.CASCADE, related_name="stages")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField()
    needs = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=StageState.choices, default=StageState.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    subject_id = models.CharField(max_length=40, blank=True, default="", db_index=True)
    body = models.JSONField(default=dict)
    outputs = models.JSONField(default=dict)
    failure = models.JSONField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    reused_from = models.ForeignKey(RecipeRun, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=["recipe_run", "name"], name="one_stage_per_name"),)

    def __str__(self) -> str:
        return f"{self.recipe_run_id}/{self.name}"


class StageStart(models.Model):
    """That a stage was begun: one row for each attempt, in the transaction that makes its subject, so never twice."""

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="starts")
    attempt = models.PositiveIntegerField()
    subject_id = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["stage", "attempt"], name="one_start_per_attempt"),)

    def __str__(self) -> str:
        return f"{self.stage_id}#{self.attempt}"
