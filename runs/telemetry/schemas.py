"""What the API says about a run's curves, events, logs and rollouts."""

from typing import Any, Literal

from ninja import Schema
from pydantic import Field

LevelName = Literal["debug", "info", "warning", "error"]


class MetricSummary(Schema):
    """One curve in short. `last`, `min` and `max` leave out values that are not finite."""

    name: str
    points: int
    last: float | None
    min: float | None
    max: float | None
    last_step: int


class MetricNames(Schema):
    names: list[MetricSummary]
    cursor: int
    epoch: str


class Series(Schema):
    """A curve as columns of equal length; a value that was not finite is null.

    `total` points lie in the range asked for. `exact` is true when all of them are here; else each row stands for the
    points up to the next row, whose least and greatest value are `low` and `high`.
    """

    step: list[int]
    time: list[float]
    tokens: list[int]
    value: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None
    total: int
    exact: bool


class SeriesSet(Schema):
    """`cursor` is the last event these curves contain: live events go on after it."""

    cursor: int
    epoch: str
    series: dict[str, Series]


class NumberedEvent(Schema):
    cursor: int
    attempt: int
    event: dict[str, Any] = Field(description="A contract event; rollouts come without their token arrays.")


class EventPage(Schema):
    """`next` is the cursor to ask after, or null when the page reaches the newest event."""

    items: list[NumberedEvent]
    next: int | None
    cursor: int
    epoch: str


class LogLineOut(Schema):
    cursor: int
    time: float
    level: LevelName
    message: str
    step: int | None


class LogPage(Schema):
    """Lines in the order of their cursors. `older` and `newer` say whether there are more on either side."""

    items: list[LogLineOut]
    older: bool
    newer: bool


class RolloutTokensOut(Schema):
    """Per-token arrays of one answer, all of one length; a channel the method does not have is null."""

    ids: list[int]
    texts: list[str]
    logprobs: list[float | None] | None = None
    ref_logprobs: list[float | None] | None = None
    rewards: list[float | None] | None = None
    advantages: list[float | None] | None = None
    values: list[float | None] | None = None
    returns: list[float | None] | None = None
    kl: list[float | None] | None = None
    entropy: list[float | None] | None = None
    ratio: list[float | None] | None = None
    mask: list[int] | None = None


class AnswerOut(Schema):
    """One answer of a group. `terms` holds the raw value of each reward term; null where it does not apply."""

    text: str
    reward: float | None
    terms: dict[str, float | None]
    advantage: float | None = None
    length: int
    truncated: bool
    tokens: RolloutTokensOut | None = None


class RolloutOut(Schema):
    """One prompt and its answers at a step. `reward` is the mean over the answers that have one."""

    cursor: int
    attempt: int
    step: int
    time: float
    row: int | None = None
    prompt: str
    reference_answer: str | None = None
    reward: float | None
    answers: list[AnswerOut]


class RolloutPage(Schema):
    items: list[RolloutOut]
    next: str | None
