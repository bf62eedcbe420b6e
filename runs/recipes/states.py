"""The states of a stage and of a recipe run, which follows from those of its stages."""

from collections.abc import Iterable

from django.db import models


class StageState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    PEOPLE = "waits_for_people"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REUSED = "reused"


class RecipeState(models.TextChoices):
    RUNNING = "running"
    PEOPLE = "waits_for_people"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (StageState.RUNNING, StageState.PEOPLE)
"""Something or somebody is at work on the stage."""
DONE = (StageState.SUCCEEDED, StageState.REUSED)
"""The stage's outputs are there for those that need them."""
BROKEN = (StageState.FAILED, StageState.CANCELLED)
OPEN = (RecipeState.RUNNING, RecipeState.PEOPLE)


def recipe_state(stages: Iterable[str]) -> RecipeState:
    """What the states of all stages make of the whole, once everything that could start has been started."""
    found = set(stages)
    if StageState.RUNNING in found:
        return RecipeState.RUNNING
    if StageState.PEOPLE in found:
        return RecipeState.PEOPLE
    if found & set(BROKEN):
        return RecipeState.FAILED
    return RecipeState.SUCCEEDED if found <= set(DONE) else RecipeState.RUNNING
