"""What the API takes and says about evaluations."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.evaluation.models import Evaluation
from runs.launches.schemas import DraftDataset, RunSummary
from workers.contract.evaluation import EvaluationItem, EvaluationReport
from workers.contract.products import Interval
from workers.contract.run_spec import Resources, RewardPipeline

Verdict = Literal["better", "worse", "undecided", "same"]
"""Of the second model against the first, at 5 %: `same` where no item differs."""


class EvaluateIn(Schema):
    """The same evaluation of one or several models: a run for each."""

    model_config = ConfigDict(extra="forbid")
    method: str = Field(description="A method of the kind `evaluate`: evaluate-answers, evaluate-pairs, evaluate-winrate.")
    models: list[str] = Field(min_length=1, max_length=20, description="mdl_…, ckp_… or run_…: each is evaluated.")
    others: dict[str, str] = Field(default_factory=dict, description="Other models by role, such as `policy_b` and `judge`.")
    dataset: DraftDataset
    config: dict[str, Any] = Field(default_factory=dict)
    reward: RewardPipeline | None = None
    reward_version_id: str | None = None
    resources: Resources = Field(default_factory=Resources)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    name: str = Field(default="", max_length=120)
    tags: list[str] = Field(default_factory=list, max_length=20)


class Launched(Schema):
    runs: list[RunSummary]


class EvaluationOut(Schema):
    """`metrics` with their intervals; `primary` is the one that stands in lists."""

    id: str
    project_id: str
    run_id: str
    run_name: str
    method: str
    suite: str
    suite_key: str
    model_id: str
    model_name: str
    primary: str
    metrics: dict[str, Interval]
    items: int
    partial: bool
    data_name: str
    split: str
    created_at: datetime

    @staticmethod
    def resolve_run_name(row: Evaluation) -> str:
        return row.run.name

    @staticmethod
    def resolve_primary(row: Evaluation) -> str:
        return str(row.report["primary"])

    @staticmethod
    def resolve_metrics(row: Evaluation) -> dict[str, Any]:
        return dict(row.report["metrics"])

    @staticmethod
    def resolve_items(row: Evaluation) -> int:
        return int(row.report["items"])

    @staticmethod
    def resolve_partial(row: Evaluation) -> bool:
        return bool(row.report["partial"])

    @staticmethod
    def resolve_data_name(row: Evaluation) -> str:
        return str(row.report["data"]["name"])

    @staticmethod
    def resolve_split(row: Evaluation) -> str:
        return str(row.report["data"]["split"])


class EvaluationDetail(EvaluationOut):
    """`comparable` how many other evaluations ask the same."""

    report: EvaluationReport
    comparable: int

    @staticmethod
    def resolve_comparable(row: Evaluation) -> int:
        same = Evaluation.objects.filter(project_id=row.project_id, suite_key=row.suite_key, run__deleted_at=None)
        return same.exclude(id=row.id).count()


class Suite(Schema):
    """A column of the board."""

    key: str
    name: str
    method: str
    primary: str
    data_name: str
    split: str
    apart: str = Field(description="What tells it from suites of the same name and metric; empty where there are none.")


class Cell(Schema):
    """The newest evaluation of a model in a suite; `best` marks the highest value of the column."""

    evaluation_id: str
    run_id: str
    value: Interval
    best: bool
    partial: bool
    created_at: datetime


class BoardRow(Schema):
    model_id: str
    model_name: str
    cells: dict[str, Cell] = Field(description="By the suite's key.")


class Board(Schema):
    """Models × suites, the newest 500 evaluations of the project; suites and models by their newest evaluation."""

    suites: list[Suite]
    rows: list[BoardRow]


class ComparisonOut(Schema):
    """The second evaluation (`id`) against the first, over the items that both have.

    `difference` is second minus first. `adjusted_p` is Holm's over all comparisons of the request, and `verdict` follows it.
    `gained` items went up (wrong to right), `lost` went down. `detectable` is the smallest difference that so many items
    show with 80 % power; `more_items` how many more would decide this difference. `settings` differ between the two.
    """

    id: str
    model_id: str
    model_name: str
    first_model_name: str
    metric: str
    verdict: Verdict
    sentence: str
    first: Interval
    second: Interval
    difference: Interval
    p_value: float | None
    adjusted_p: float | None
    test: str
    gained: int
    lost: int
    items: int
    unmatched: int
    detectable: float | None
    more_items: int | None
    settings: list[str]


class Comparisons(Schema):
    """`metrics` are those that every one of the evaluations has."""

    first: EvaluationOut
    metric: str
    metrics: list[str]
    comparisons: list[ComparisonOut]


class ItemOut(Schema):
    """An item; `other` is the same question in the evaluation compared with, `change` what it gained there or lost."""

    item: EvaluationItem
    other: EvaluationItem | None = None
    change: float | None = None


class ItemPage(Schema):
    """`total` items match; `next` is the `cursor` of the page after this one, null on the last."""

    items: list[ItemOut]
    total: int
    next: str | None
