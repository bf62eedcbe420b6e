"""What the API takes and says about models."""

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from runs.jobs.schemas import JobError, JobOut
from runs.library.models import LibraryModel


class Body(Schema):
    """A request's body: a misspelt key is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class HubModel(Body):
    name: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
    revision: str | None = Field(default=None, max_length=100)


class ModelSourceIn(Body):
    """Where the model is: a directory on the workers' disk, or a name on the Hugging Face Hub."""

    path: str | None = Field(default=None, min_length=1, max_length=1000)
    hub: HubModel | None = None

    @model_validator(mode="after")
    def one_source(self) -> "ModelSourceIn":
        if (self.path is None) == (self.hub is None):
            raise ValueError("Give one of path and hub.")
        return self


class ModelIn(Body):
    name: str = Field(min_length=1, max_length=120)
    source: ModelSourceIn


class ModelPatch(Body):
    name: str = Field(min_length=1, max_length=120)


class TokenizerInfo(Schema):
    kind: str
    has_chat_template: bool
    pad_token: str | None
    eos_token: str | None


class ModelOut(Schema):
    id: str
    name: str
    project_id: str
    kind: Literal["causal", "reward"]
    state: Literal["inspecting", "ready", "refused"]
    source: Literal["path", "hub", "demo", "run", "merge"]
    path: str
    hub_name: str
    architecture: str
    parameters: int | None
    context_length: int | None
    vocab_size: int | None
    size_bytes: int | None
    dtype: str
    weights_hash: str
    tokenizer: TokenizerInfo | None
    error: JobError | None
    is_adapter: bool
    adapter_kind: str
    can_merge: bool
    merged_from: str
    run_id: str | None
    step: int | None
    job_id: str | None
    created_at: datetime
    deleted_at: datetime | None

    @staticmethod
    def resolve_is_adapter(model: LibraryModel) -> bool:
        return bool(model.adapter_path)


class MergeIn(Body):
    name: str = Field(min_length=1, max_length=120)


class ModelCreated(Schema):
    model: ModelOut
    job: JobOut
