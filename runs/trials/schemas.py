"""What the API takes and says about trials."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from runs.jobs.schemas import JobOut
from workers.contract.run_spec import RewardPipeline
from workers.contract.trials import ScoredPrompt, TrialReport

MOST_TEXTS = 50
MOST_ANSWERS = 32
MOST_PROMPTS = 500
TEXT = 100_000

Text = Annotated[str, Field(max_length=TEXT)]


class Body(Schema):
    """A request's body: a misspelt key is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class PastedPrompt(Body):
    """A prompt with answers of one's own; `columns` are handed to the terms by name, as a data set's would be."""

    prompt: Text = ""
    reference: Text | None = None
    columns: dict[str, Any] = Field(default_factory=dict, max_length=32)
    answers: list[Text] = Field(min_length=1, max_length=MOST_ANSWERS)


class TriedText(Body):
    """`model_id` is the model whose tokens count as lengths; without one the project's newest, where there is one."""

    kind: Literal["text"] = "text"
    prompts: list[PastedPrompt] = Field(min_length=1, max_length=MOST_TEXTS)
    model_id: str | None = None


class TriedRows(Body):
    """Rows `offset` to `offset + limit` of a split. `answers`: the row's own answers, or its reference judged as one."""

    kind: Literal["rows"] = "rows"
    version_id: str
    split: str = "train"
    offset: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=20, ge=1, le=MOST_PROMPTS)
    answers: Literal["own", "reference"] = "own"
    model_id: str | None = None


class TriedRollouts(Body):
    """Stored rollouts of a run, at one step or spread evenly over all: a replay."""

    kind: Literal["rollouts"] = "rollouts"
    run_id: str
    step: int | None = Field(default=None, ge=0, le=2**53)
    limit: int = Field(default=100, ge=1, le=MOST_PROMPTS)


Source = Annotated[TriedText | TriedRows | TriedRollouts, Field(discriminator="kind")]


class TrialIn(Body):
    """What to try, a saved version or a pipeline as it is written, and on what."""

    reward_version_id: str | None = None
    pipeline: RewardPipeline | None = None
    source: Source

    @model_validator(mode="after")
    def one_reward(self) -> "TrialIn":
        if (self.reward_version_id is None) == (self.pipeline is None):
            raise ValueError("Give one of reward_version_id and pipeline.")
        return self


class TrialOut(Schema):
    """`report` is null until the job has succeeded; prompts are read page by page."""

    id: str
    project_id: str
    reward_version_id: str | None
    pipeline: RewardPipeline
    source: dict[str, Any]
    job: JobOut | None
    report: TrialReport | None
    created_at: datetime


class TriedPage(Schema):
    """A page of prompts; `next` is the offset of the page after it."""

    items: list[ScoredPrompt]
    total: int
    next: int | None
