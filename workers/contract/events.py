"""Events: one JSON line each in an attempt's `events.jsonl`, which is the truth of that attempt.

`seq` counts from 1 within an attempt without gaps; `time` is Unix seconds of the engine's clock. The store gives
every kept event the run's own number, the cursor; nothing outside the agent uses `seq`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from workers.contract.document import Document


class EventBase(Document):
    seq: int = Field(default=0, ge=0)
    time: float = 0.0


class StatusEvent(EventBase):
    """What the engine is doing now, in a few words a person reads ("loading torch", "generating 12/64").

    `state` changes only at the named moments: starting (process up), running (first step begins), paused, stopping.
    """

    type: Literal["status"] = "status"
    state: Literal["starting", "running", "paused", "stopping"]
    doing: str = ""


class ProgressEvent(EventBase):
    type: Literal["progress"] = "progress"
    step: int = Field(ge=0)
    total: int | None = None
    eta_seconds: float | None = None
    tokens: int = Field(default=0, ge=0)


class MetricsEvent(EventBase):
    """Numbers of one step. A value that is not finite is sent as None and the page shows NaN."""

    type: Literal["metrics"] = "metrics"
    step: int = Field(ge=0)
    values: dict[str, float | None]
    tokens: int = Field(default=0, ge=0, description="Trained tokens so far: the tokens x axis.")


class LogEvent(EventBase):
    type: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    message: str


class RolloutTokens(Document):
    """Per-token arrays of one answer, all of the answer's length T. Absent channels are None."""

    ids: list[int]
    texts: list[str]
    logprobs: list[float] | None = None
    ref_logprobs: list[float] | None = None
    rewards: list[float] | None = None
    advantages: list[float] | None = None
    values: list[float] | None = None
    returns: list[float] | None = None
    kl: list[float] | None = None
    entropy: list[float] | None = None
    ratio: list[float] | None = None
    mask: list[int] | None = None


class RolloutAnswer(Document):
    text: str
    reward: float | None
    terms: dict[str, float | None] = Field(default_factory=dict, description="Raw value of each term; None: not applicable.")
    advantage: float | None = None
    length: int = Field(ge=0, description="Tokens generated.")
    truncated: bool = False
    tokens: RolloutTokens | None = None


class RolloutEvent(EventBase):
    """One prompt and its group of answers at a step."""

    type: Literal["rollout"] = "rollout"
    step: int = Field(ge=0)
    row: int | None = Field(default=None, description="Row of the data set the prompt came from.")
    prompt: str
    reference_answer: str | None = None
    answers: list[RolloutAnswer]


class CheckpointEvent(EventBase):
    """A whole checkpoint stands at `path` (absolute). `manifest_hash` is the SHA-256 of its manifest.json, hex."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int = Field(ge=0)
    path: str
    manifest_hash: str
    size_bytes: int = Field(ge=0)
    reason: Literal["interval", "asked", "stop", "signal", "final"] = "interval"
    metrics: dict[str, float | None] = Field(default_factory=dict)


class EvaluationEvent(EventBase):
    type: Literal["evaluation"] = "evaluation"
    step: int = Field(ge=0)
    suite: str
    values: dict[str, float | None]


class ChangeEvent(EventBase):
    """A live field took a new value at a step boundary."""

    type: Literal["change"] = "change"
    step: int = Field(ge=0)
    field: str
    old: float | None
    new: float | None
    by: str = ""


class ArtifactEvent(EventBase):
    """A finished product; `kind` is one of `products.ProductKind`."""

    type: Literal["artifact"] = "artifact"
    kind: str
    path: str
    manifest_hash: str = ""
    size_bytes: int = Field(default=0, ge=0)


class AlertEvent(EventBase):
    type: Literal["alert"] = "alert"
    level: Literal["info", "warning", "critical"] = "warning"
    code: str
    message: str
    step: int | None = None


class DoneEvent(EventBase):
    """The engine ends well. `reason`: finished the plan, a limit named in `detail`, or a stop that was asked for."""

    type: Literal["done"] = "done"
    reason: Literal["finished", "limit", "stopped"] = "finished"
    detail: str = ""
    step: int = Field(default=0, ge=0)
    summary: dict[str, float | None] = Field(default_factory=dict)


FailureCode = Literal[
    "config", "data", "model", "reward", "nan", "oom", "disk_full", "preempted", "worker_lost", "user_code", "platform"
]


class FailedEvent(EventBase):
    """The engine ends badly: what, where and how to mend it, in sentences a person can act on."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    message: str
    remedy: str = ""
    step: int | None = None


Event = Annotated[
    StatusEvent | ProgressEvent | MetricsEvent | LogEvent | RolloutEvent | CheckpointEvent | EvaluationEvent
    | ChangeEvent | ArtifactEvent | AlertEvent | DoneEvent | FailedEvent,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Any] = TypeAdapter(Event)
"""Reads any event: `EVENT.validate_json(line)`."""
