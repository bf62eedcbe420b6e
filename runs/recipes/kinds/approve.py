"""A gate that a person opens: later stages wait until an editor has looked at what came before and approves."""

from pydantic import Field

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.problems import FieldError
from runs.recipes.definition import Strict
from runs.recipes.kinds import Body, Kind, Seen
from runs.recipes.models import Stage
from runs.recipes.shapes import shape_faults
from runs.recipes.slots import Slot, plain
from runs.recipes.states import StageState


class Gate(Strict):
    question: str = Field(default="Go on?", min_length=1, max_length=400)


def outputs(body: Body) -> dict[str, Slot]:
    return {}


def check(body: Body, project: Project | None) -> list[FieldError]:
    return shape_faults(Gate, plain(body))


def begin(stage: Stage, actor: Actor) -> Seen:
    return Seen(StageState.PEOPLE)


def look(stage: Stage) -> Seen:
    return Seen(StageState.SUCCEEDED if stage.approved_by_id else StageState.PEOPLE)


def stop(stage: Stage, actor: Actor) -> None:
    """Nothing is at work."""


def again(stage: Stage, actor: Actor) -> bool:
    return False


KIND = Kind(outputs=outputs, check=check, begin=begin, look=look, stop=stop, again=again)
