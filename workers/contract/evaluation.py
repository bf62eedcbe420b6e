"""Evaluations: what a run of the kind `evaluate` found, as an artifact of the kind `evaluation` holds it.

The artifact is a directory: `report.json` is an `EvaluationReport`, `items.jsonl` has one `EvaluationItem` a line. Two
evaluations with the same `suite_key` asked the same of two models; items with the same `key` are the same question.
"""

from typing import Any

from pydantic import Field

from workers.contract.document import Document
from workers.contract.products import Interval
from workers.contract.run_spec import ModelKind

REPORT_FILE = "report.json"
ITEMS_FILE = "items.jsonl"


class EvaluatedModel(Document):
    """A model of the evaluation; `model_id` is the library's or a checkpoint's id."""

    role: str
    model_id: str = ""
    name: str = ""
    kind: ModelKind = ModelKind.CAUSAL


class EvaluatedData(Document):
    """The rows that were asked for; `rows` is how many the run was given, items left out included."""

    name: str = ""
    dataset_id: str = ""
    version_id: str = ""
    split: str = ""
    content_hash: str = ""
    rows: int = Field(default=0, ge=0)


class EvaluatedAnswer(Document):
    """An answer, or a side of a pair. `score` is what it got, `right` whether it passes."""

    text: str
    role: str = ""
    score: float | None = None
    right: bool | None = None
    length: int = Field(default=0, ge=0)
    truncated: bool = False


class EvaluationItem(Document):
    """One prompt. `values` are its values of the report's metrics; `notes` what a judge said, as it said it."""

    key: str
    row: int = Field(ge=0)
    prompt: str
    reference: str | None = None
    answers: list[EvaluatedAnswer]
    values: dict[str, float] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class EvaluationReport(Document):
    """What was measured. `metrics` are means over the items' values; `primary` is the one a comparison speaks of.

    `settings` are the method's config. `left_out` says in sentences what was not counted and why; `partial` that a person
    stopped it before the end.
    """

    version: int = 1
    method: str
    suite: str
    suite_key: str
    primary: str
    metrics: dict[str, Interval]
    models: list[EvaluatedModel]
    data: EvaluatedData
    items: int = Field(ge=0)
    settings: dict[str, Any] = Field(default_factory=dict)
    left_out: list[str] = Field(default_factory=list)
    partial: bool = False
