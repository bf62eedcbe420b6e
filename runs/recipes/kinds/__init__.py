"""What a stage can be: one file for each kind, found by its name, with a `KIND`.

Add a kind: a file here with its functions, its name in `definition.StageKind` and as a field of `StageDefinition`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.problems import FieldError
from runs.recipes.models import Stage
from runs.recipes.slots import Slot
from runs.recipes.states import StageState

Body = dict[str, Any]
NAME_LENGTH = 120


@dataclass(frozen=True)
class Seen:
    """How a stage stands: what it gives once it has succeeded, why it failed where it has."""

    state: StageState
    subject_id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    failure: dict[str, Any] | None = None


@dataclass(frozen=True)
class Kind:
    """The functions of a kind. A body's references are slots in the first two and plain values in `Stage.body`.

    outputs: what later stages may refer to. check: what is wrong with a body, fields relative to it. begin: makes the
    subject, in the caller's transaction; raises Problem. look: how the subject stands now. stop: ends it. again: sets a
    subject that ended badly to work once more, False where a new one is needed. eta: seconds it will still take.
    """

    outputs: Callable[[Body], dict[str, Slot]]
    check: Callable[[Body, Project | None], list[FieldError]]
    begin: Callable[[Stage, Actor], Seen]
    look: Callable[[Stage], Seen]
    stop: Callable[[Stage, Actor], None]
    again: Callable[[Stage, Actor], bool]


@cache
def kind_of(name: str) -> Kind:
    found: Kind = import_module(f"runs.recipes.kinds.{name}").KIND
    return found


def name_of_subject(stage: Stage) -> str:
    """The recipe run's name and the stage's title, as a run or a campaign is called."""
    title = stage.recipe_run.definition["stages"][stage.position].get("title") or stage.name
    return f"{stage.recipe_run.name}: {title}"[:NAME_LENGTH]


def failure(message: str, *, code: str = "stage_failed", remedy: str = "") -> dict[str, Any]:
    return {"code": code, "message": message, "remedy": remedy}
