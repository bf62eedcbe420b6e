"""RunSpec: everything a run needs, frozen at launch. The same spec and seed on one machine give the same curve."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workers.contract.document import Document
from workers.contract.records import RecordKind


class RunKind(StrEnum):
    """What the engine is asked to do."""

    TRAIN = "train"
    EVALUATE = "evaluate"
    GENERATE = "generate"
    SCORE = "score"
    SERVE = "serve"


class ModelKind(StrEnum):
    """What a model's head answers: the next token, or one number for a whole text (one label, no activation)."""

    CAUSAL = "causal"
    REWARD = "reward"


class ModelRef(Document):
    """A model on this host's disk: a directory in transformers' layout, safetensors weights only."""

    model_id: str = ""
    kind: ModelKind = ModelKind.CAUSAL
    name: str = ""
    path: str
    weights_hash: str = ""
    adapter_path: str | None = None


class DatasetRef(Document):
    """One split of an immutable data-set version; `path` is the version's directory (see `records`)."""

    dataset_id: str = ""
    version_id: str = ""
    name: str = ""
    path: str
    split: str = "train"
    kind: RecordKind
    content_hash: str = ""
    rows: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1, description="Read at most this many rows.")


class Clip(Document):
    """min(max(r, low), high)."""

    kind: Literal["clip"] = "clip"
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> "Clip":
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the lower bound ({self.low:g}) is above the upper ({self.high:g}); swap them")
        return self


class Affine(Document):
    """factor · r + offset."""

    kind: Literal["affine"] = "affine"
    factor: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)


class Threshold(Document):
    """1 where r ≥ at, else 0."""

    kind: Literal["threshold"] = "threshold"
    at: float = Field(default=0.5, allow_inf_nan=False)


class Sigmoid(Document):
    """σ(r − centre)."""

    kind: Literal["sigmoid"] = "sigmoid"
    centre: float = Field(default=0.0, allow_inf_nan=False)


class LogSigmoid(Document):
    """log σ(r − centre): what lies far above the centre gains little, what lies below loses in full (arXiv 2402.00742)."""

    kind: Literal["log_sigmoid"] = "log_sigmoid"
    centre: float = Field(default=0.0, allow_inf_nan=False)


class Whiten(Document):
    """(r − mean) / (deviation + 1e-8) over the step's answers, or over each prompt's group."""

    kind: Literal["whiten"] = "whiten"
    over: Literal["batch", "group"] = "batch"


Transform = Annotated[Clip | Affine | Threshold | Sigmoid | LogSigmoid | Whiten, Field(discriminator="kind")]


class Gate(Document):
    """A condition on a term's transformed value: an answer that misses it gets `otherwise` instead of the aggregate.

    The term itself adds nothing. Where it does not apply the gate is open.
    """

    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    otherwise: float = Field(default=0.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _bounded(self) -> "Gate":
        if self.at_least is None and self.at_most is None:
            raise ValueError("the gate has no bound and would always be open; set the least or the most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"no value is at least {self.at_least:g} and at most {self.at_most:g}; swap the bounds")
        return self


class RewardTerm(Document):
    """One named term of a reward: `kind` is the file name of a member of the engine's `rewards` folder.

    Its value goes through `transforms` in order, then is weighted into the aggregate, or decides as a `gate`.
    A term that asks a model names it by `model_id`; launching fills `model` in.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    kind: str
    weight: float = Field(default=1.0, allow_inf_nan=False)
    params: dict[str, Any] = Field(default_factory=dict)
    model_id: str = ""
    model: ModelRef | None = None
    transforms: list[Transform] = Field(default_factory=list, max_length=8)
    gate: Gate | None = None


class RewardPipeline(Document):
    """Named terms and how they become one reward. A term that does not apply to a sample is left out of its sum.

    `version_id` names the saved version that this is a copy of, where it is one.
    """

    terms: list[RewardTerm] = Field(min_length=1, max_length=64)
    aggregate: Literal["weighted_sum", "product", "min"] = "weighted_sum"
    on_nan: Literal["refuse", "drop", "zero"] = "refuse"
    version_id: str = ""


class Resources(Document):
    """What the run may use. `gpus` 0 means CPU; `threads` bounds each process's intra-op threads (None: all cores).

    Training shares each step among `processes` (None: one for each GPU, or one), of which each holds the whole model, or
    with `shard` its part of it (FSDP2).
    """

    gpus: int = Field(default=0, ge=0, le=64)
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: int | None = Field(default=None, ge=1, le=512)
    processes: int | None = Field(default=None, ge=1, le=64)
    shard: bool = False

    @model_validator(mode="after")
    def _fitting(self) -> "Resources":
        if self.gpus and self.processes not in {None, self.gpus}:
            raise ValueError(f"each GPU has one process; leave processes empty or set it to {self.gpus}")
        return self

    @property
    def count(self) -> int:
        """How many processes share a step."""
        return self.processes or max(self.gpus, 1)


class Limits(Document):
    """Where a run ends by itself, whichever comes first. None means no bound of that kind."""

    max_steps: int | None = Field(default=None, ge=1, le=2**31 - 1)
    max_tokens: int | None = Field(default=None, ge=1, description="Trained tokens.")
    max_wall_seconds: float | None = Field(default=None, gt=0)
    max_kl: float | None = Field(default=None, gt=0, description="Stop when mean sequence KL to the reference passes this.")


class Provenance(Document):
    """Where the run came from: library versions, this project's commit, the attempt that froze it."""

    libraries: dict[str, str] = Field(default_factory=dict)
    commit: str = ""
    created_at: str = ""
    cloned_from: str | None = None


class RunSpec(Document):
    """The frozen document an engine executes.

    `method` is a slug of the catalogue, `config` that method's config with every default explicit. `models` and
    `datasets` are keyed by role (`policy`, `reference`, …; `train`, `eval`). `output_dir` is the attempt's own
    directory: the engine writes `events.jsonl`, `checkpoints/` and `final/` below it and nowhere else.
    `resume_from` is a verified checkpoint directory, or None for a fresh start.
    """

    version: Literal[1] = 1
    kind: RunKind = RunKind.TRAIN
    run_id: str = ""
    name: str = ""
    method: str
    config: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, ModelRef]
    datasets: dict[str, DatasetRef] = Field(default_factory=dict)
    reward: RewardPipeline | None = None
    resources: Resources = Field(default_factory=Resources)
    limits: Limits = Field(default_factory=Limits)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    output_dir: str
    resume_from: str | None = None
    provenance: Provenance = Field(default_factory=Provenance)
