"""What the API takes and says about recipes and recipe runs."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.launches.schemas import PersonRef
from runs.recipes.definition import Param, StageKind

RecipeStateName = Literal["running", "waits_for_people", "succeeded", "failed", "cancelled"]
StageStateName = Literal["waiting", "running", "waits_for_people", "succeeded", "failed", "cancelled", "reused"]


class Body(Schema):
    model_config = ConfigDict(extra="forbid")


class RecipeIn(Body):
    """A recipe, as an object or as text in JSON or YAML."""

    definition: dict[str, Any] | None = None
    text: str | None = None


class ValidateIn(RecipeIn):
    """A recipe, or the name or id of one that is there; with `params`, what is wrong with starting it so."""

    recipe: str | None = Field(default=None, max_length=40)
    params: dict[str, Any] | None = None


class StartIn(Body):
    """`recipe` is a built-in's name or the id of one of the project's own; `params` what its parameters ask for."""

    recipe: str = Field(max_length=40)
    params: dict[str, Any] = Field(default_factory=dict)
    name: str = Field(default="", max_length=120)


class RestartIn(Body):
    """`stage` and what follows from it are done anew; `params` are changes to the first run's."""

    stage: str = Field(max_length=40)
    params: dict[str, Any] = Field(default_factory=dict)


class StageSketch(Schema):
    """A stage of a recipe that nobody has started."""

    name: str
    title: str
    kind: StageKind
    help: str
    needs: list[str]


class RecipeOut(Schema):
    """`id` is the name of a built-in; `params` are in the order of the form, `definition` is the whole."""

    id: str
    title: str
    summary: str
    built_in: bool
    params: dict[str, Param]
    stages: list[StageSketch]
    definition: dict[str, Any]
    created_at: datetime | None = None
    updated_at: datetime | None = None


class RecipeFault(Schema):
    field: str
    message: str


class RecipeValidation(Schema):
    valid: bool
    errors: list[RecipeFault]
    stages: list[StageSketch]


class StageLine(Schema):
    name: str
    kind: StageKind
    state: StageStateName


class RecipeRunSummary(Schema):
    id: str
    project_id: str
    recipe: str
    name: str
    state: RecipeStateName
    created_at: datetime
    finished_at: datetime | None
    created_by: PersonRef | None
    restarted_from: str | None = Field(validation_alias="restarted_from_id")
    restarted_at: str
    stages: list[StageLine]


class StageFailure(Schema):
    code: str
    message: str
    remedy: str = ""


class StageRun(Schema):
    """How far the run of a stage is."""

    id: str
    name: str
    method: str
    state: str
    step: int
    total: int | None
    eta_seconds: float | None
    doing: str
    waiting_for: str


class StageOut(StageSketch):
    """`template` is what the recipe says, `body` the same with its references replaced once the stage has begun.

    `subject_id` is the run, campaign or export of labels; `waits_for` names the stages still needed.
    """

    state: StageStateName
    attempt: int
    subject_id: str
    template: dict[str, Any]
    body: dict[str, Any]
    outputs: dict[str, Any]
    failure: StageFailure | None
    waits_for: list[str]
    reused_from: str | None
    approved_by: PersonRef | None
    run: StageRun | None
    started_at: datetime | None
    finished_at: datetime | None


class RecipeRunOut(Schema):
    id: str
    project_id: str
    recipe: str
    name: str
    title: str
    state: RecipeStateName
    params: dict[str, Any]
    asked: dict[str, Param]
    created_at: datetime
    finished_at: datetime | None
    created_by: PersonRef | None
    restarted_from: str | None
    restarted_at: str
    stages: list[StageOut]
