"""How a foreign file is read: which shape its rows have and which source column feeds which canonical field."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from workers.contract.records import RecordKind


class Mapping(BaseModel):
    """`columns` maps a canonical field to a source column (a dotted path reaches into objects).

    `options` are the shape's own switches, explained in the shape's file. `confidence`, 0 to 1, is how well the
    shape fitted the rows it was detected on; reading ignores it.
    """

    model_config = ConfigDict(extra="forbid")
    kind: RecordKind
    shape: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    columns: dict[str, str] = Field(default_factory=dict, max_length=40)
    options: dict[str, Any] = Field(default_factory=dict, max_length=40)
    label: str = Field(default="", max_length=200)
    confidence: float = Field(default=0.0, ge=0, le=1)


class Fault(BaseModel):
    """What is wrong and where: `line` counts from 1 in the file as sent, `column` is a character of that line."""

    line: int | None = None
    column: int | None = None
    field: str | None = None
    message: str
