"""What the API takes and says about runs, checkpoints and workers."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.launches.models import Attempt, Run
from workers.contract.run_spec import Limits, Resources, RewardPipeline

StateName = Literal["draft", "queued", "starting", "running", "paused", "succeeded", "failed", "cancelled"]


class DraftDataset(Schema):
    """Which split of which data-set version, and at most how many of its rows."""

    model_config = ConfigDict(extra="forbid")
    version_id: str
    split: str = "train"
    limit: int | None = Field(default=None, ge=1)


class RunDraft(Schema):
    """What to launch. `models` and `datasets` are keyed by role; a model may be a run, whose final model is waited for."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="", max_length=120, description="Left empty, the run gets a friendly name.")
    method: str
    config: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict, description='Role to "mdl_…", "ckp_…" or "run_…".')
    datasets: dict[str, DraftDataset] = Field(default_factory=dict)
    reward: RewardPipeline | None = None
    reward_version_id: str | None = Field(default=None, description='A saved version, "rwv_…", in place of `reward`.')
    resources: Resources = Field(default_factory=Resources)
    limits: Limits = Field(default_factory=Limits)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    tags: list[str] = Field(default_factory=list, max_length=20)
    notes: str = Field(default="", max_length=20_000)
    priority: int = Field(default=0, ge=-100, le=100)
    cloned_from: str | None = None
    config_id: str | None = None


class RunEdit(Schema):
    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=120)
    tags: list[str] | None = Field(default=None, max_length=20)
    notes: str | None = Field(default=None, max_length=20_000)
    priority: int | None = Field(default=None, ge=-100, le=100)


class ControlIn(Schema):
    """What the run is told. `field` and `value` belong to `set`; `checkpoint` to `stop` (save one last time or not)."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["pause", "resume", "stop", "cancel", "checkpoint", "set", "sample"]
    field: str | None = None
    value: float | None = Field(default=None, allow_inf_nan=False)
    checkpoint: bool = True


class PersonRef(Schema):
    id: str
    name: str


class Failure(Schema):
    code: str
    message: str
    remedy: str = ""
    step: int | None = None


class RunSummary(Schema):
    """A row of the runs table. `metrics` holds the latest value of each main curve."""

    id: str
    project_id: str
    name: str
    state: StateName
    desired: Literal["run", "pause", "stop", "cancel"]
    method: str
    kind: str
    step: int
    total: int | None
    eta_seconds: float | None
    doing: str
    waiting_for: str
    colour: int
    tags: list[str]
    priority: int
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    created_by: PersonRef | None
    metrics: dict[str, float | None]
    failure: Failure | None
    last_event_at: datetime | None
    heartbeat_at: datetime | None
    deleted_at: datetime | None


class AttemptOut(Schema):
    number: int
    owner: str
    state: Literal["live", "ended"]
    started_at: datetime
    ended_at: datetime | None
    exit: str
    cause: str
    reason: str
    resumed_from: str

    @staticmethod
    def resolve_reason(attempt: Attempt) -> str:
        """Why it ended, in words; empty when it lives or ended well."""
        return str((attempt.failure or {}).get("message", ""))

    @staticmethod
    def resolve_state(attempt: Attempt) -> str:
        return "ended" if attempt.ended_at else "live"


class RunOut(RunSummary):
    spec: dict[str, Any]
    draft: dict[str, Any]
    notes: str
    seed: int
    provenance: dict[str, Any]
    attempts: list[AttemptOut]
    models: dict[str, Any]
    datasets: dict[str, Any]
    live: dict[str, float | None]
    final_model_id: str
    cursor: int
    epoch: str

    @staticmethod
    def resolve_provenance(run: Run) -> dict[str, Any]:
        return dict(run.spec.get("provenance", {}))

    @staticmethod
    def resolve_attempts(run: Run) -> list[Attempt]:
        return list(run.attempts.order_by("number"))

    @staticmethod
    def resolve_models(run: Run) -> dict[str, Any]:
        return dict(run.spec.get("models", {}))

    @staticmethod
    def resolve_datasets(run: Run) -> dict[str, Any]:
        return dict(run.spec.get("datasets", {}))


class HistoryOut(Schema):
    time: datetime
    from_: str = Field(validation_alias="from_state", serialization_alias="from")
    to: str = Field(validation_alias="to_state", serialization_alias="to")
    by: str
    reason: str
    attempt: int


class CheckpointOut(Schema):
    """`verified` is null until the hashes were recomputed, which a resume does."""

    id: str
    run_id: str
    step: int
    created_at: datetime
    size_bytes: int
    reason: str
    metrics: dict[str, float | None]
    path: str
    attempt: int
    verified: bool | None


class ArtifactOut(Schema):
    """A product of a run beside its final model; `kind` is one of `contract.products.ProductKind`."""

    id: str
    run_id: str
    attempt: int
    kind: str
    size_bytes: int
    created_at: datetime


class RegisterIn(Schema):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=120)


class WorkerOut(Schema):
    id: str
    host: str
    pid: int
    online: bool
    leaving: bool
    last_seen: datetime
    slots: int
    gpus: list[dict[str, Any]]
    cpu: dict[str, Any]
    memory: dict[str, Any]
    catalogue_hash: str
    running: list[str]
    queues: list[str]


class LineageNode(Schema):
    """`subject_id` is what a page opens: of a data-set version its data set, with `number`; of a checkpoint its run."""

    id: str
    kind: Literal["label", "data", "reward", "run", "model", "checkpoint", "evaluation"]
    name: str
    state: str
    subject_id: str
    number: int | None


class LineageEdge(Schema):
    source: str
    target: str
    role: str


class LineageOut(Schema):
    """`cut` when there is more than one answer holds."""

    nodes: list[LineageNode]
    edges: list[LineageEdge]
    cut: bool
