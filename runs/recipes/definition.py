"""What a recipe is: parameters that people fill in and stages that follow from one another. JSON or YAML, nothing else."""

import json
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from runs.problems import FieldError, Invalid
from runs.recipes.references import Reference, references_in
from runs.recipes.shapes import shaped
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind

LARGEST_TEXT = 256 * 1024
DEEPEST = 64
NAME = r"^[a-z][a-z0-9_-]{0,39}$"
Name = Annotated[str, Field(pattern=NAME)]
StageKind = Literal["run", "campaign", "dataset", "approve"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Param(Strict):
    """Something that people choose at the start. Without a default it must be given, unless it is `optional`.

    `rows` are the kinds of rows that a data set may hold and `split` the one a form offers first; `head` is what a model
    answers.
    """

    kind: Literal["model", "dataset", "integer", "number", "text", "choice", "boolean"]
    title: str = Field(min_length=1, max_length=80)
    help: str = Field(default="", max_length=500)
    default: int | float | bool | str | None = None
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] = Field(default_factory=list, max_length=40)
    rows: list[RecordKind] = Field(default_factory=list)
    split: str = Field(default="train", max_length=100)
    head: ModelKind = ModelKind.CAUSAL

    @model_validator(mode="after")
    def _choices_belong_to_a_choice(self) -> "Param":
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("`choices` goes with the kind `choice`, and that kind needs them.")
        if self.kind in ("model", "dataset") and self.default is not None:
            raise ValueError("A model or a data set has no default: each project has its own.")
        return self

    def is_required(self) -> bool:
        return self.default is None and not self.optional


class StageDefinition(Strict):
    """One stage: what it does stands under the name of its kind. `after` names stages it waits for besides its inputs."""

    name: Name
    kind: StageKind
    title: str = Field(default="", max_length=80)
    help: str = Field(default="", max_length=500)
    after: list[str] = Field(default_factory=list, max_length=40)
    run: dict[str, Any] | None = None
    campaign: dict[str, Any] | None = None
    dataset: dict[str, Any] | None = None
    approve: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_body(self) -> "StageDefinition":
        given = {kind for kind in ("run", "campaign", "dataset", "approve") if getattr(self, kind) is not None}
        if given != {self.kind}:
            raise ValueError(f"A stage of the kind {self.kind} says what it does under `{self.kind}`, and under no other kind.")
        return self

    @property
    def body(self) -> dict[str, Any]:
        return getattr(self, self.kind) or {}

    def needs(self) -> list[str]:
        """The stages whose outputs it refers to, or that it comes after; each once, in the order named."""
        found = [part.name for _, part in references_in(self.body) if isinstance(part, Reference) and part.root == "stages"]
        return list(dict.fromkeys([*self.after, *found]))


class Definition(Strict):
    """A whole recipe."""

    title: str = Field(min_length=1, max_length=120)
    summary: str = Field(default="", max_length=1000)
    params: dict[Name, Param] = Field(default_factory=dict, max_length=60)
    stages: list[StageDefinition] = Field(min_length=1, max_length=40)

    def stage(self, name: str) -> StageDefinition:
        """Raises KeyError."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)


def read_text(text: str) -> dict[str, Any]:
    """A definition from JSON or YAML. Raises Invalid for what is neither, or holds what JSON cannot."""
    if len(text) > LARGEST_TEXT:
        raise _unreadable(f"The recipe has {len(text)} characters; {LARGEST_TEXT} fit. Shorten it.")
    try:
        _refuse_what_swells(text)
        document = yaml.safe_load(text)
        written = json.dumps(document, allow_nan=False, ensure_ascii=False)
        written.encode()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"Line {mark.line + 1}: " if mark else ""
        raise _unreadable(f"{where}{getattr(error, 'problem', None) or 'this is no YAML'}. Correct it.") from error
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        # PyYAML's own constructors let these out for values that are not what their tag says.
        raise _unreadable("The recipe holds what JSON cannot: a date, NaN, or too many levels. Write dates as text.") from error
    if not isinstance(document, dict) or "\\u0000" in written:
        raise _unreadable("A recipe is an object with `title`, `params` and `stages`.")
    return document


def _refuse_what_swells(text: str) -> None:
    """Raises Invalid for aliases, and at the first level too many: PyYAML's time grows with the square of the depth."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _unreadable("The recipe uses a YAML alias (*name). Write the part out in both places.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _unreadable(f"The recipe is nested deeper than {DEEPEST} levels. Flatten it.")


def _unreadable(message: str) -> Invalid:
    return Invalid(message, [FieldError("text", message)])


def parse(document: dict[str, Any]) -> Definition:
    """Raises Invalid with every fault by its field (`definition.…`)."""
    return shaped(Definition, document, below="definition", summary="The recipe cannot be used as it is.")
