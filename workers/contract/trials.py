"""Trials: a reward pipeline asked about a few answers before any run is started, and what it said.

A replay asks it about answers that a run wrote: what the run's own reward made of them stands beside the new.
"""

from typing import Any

from pydantic import Field

from workers.contract.document import Document
from workers.contract.records import Text
from workers.contract.run_spec import RewardPipeline


class TrialAnswer(Document):
    """An answer to be scored; `label` says what it is in its row (`chosen`, `reference`, …).

    `ids` are its tokens, None to have them made. `old_reward` is what its run gave it, None for none.
    """

    text: str
    label: str = ""
    ids: list[int] | None = None
    truncated: bool = False
    old_reward: float | None = Field(default=None, allow_inf_nan=False)


class TrialPrompt(Document):
    """A prompt with its answers, which are one group. `columns` go to the terms by name; `step` and `cursor` find a rollout."""

    prompt: Text
    reference: str | None = None
    columns: dict[str, Any] = Field(default_factory=dict)
    row: int | None = None
    step: int | None = None
    cursor: int | None = None
    answers: list[TrialAnswer] = Field(min_length=1)


class TrialRequest(Document):
    """`tokenizer_path` is the model whose tokens count; without one lengths are counted in words."""

    pipeline: RewardPipeline
    tokenizer_path: str = ""
    replay: bool = False
    prompts: list[TrialPrompt] = Field(min_length=1)


class TermValue(Document):
    """One term of one answer: its raw value and what its transforms make of it; both None where it does not apply.

    `open` is there for gates; `error` says what was wrong with the value.
    """

    value: float | None = None
    transformed: float | None = None
    open: bool | None = None
    error: str = ""


class ScoredAnswer(Document):
    """`reward` None: no reward. Ranks count from 1, the best, within the prompt's answers; equal rewards share a rank.

    Advantages are normalised by group, (r − mean) / (deviation + 1e-4); old and new in the same way, so that what
    differs is the reward's doing. The old ones are there in a replay only.
    """

    text: str
    label: str = ""
    length: int = Field(ge=0)
    truncated: bool = False
    terms: dict[str, TermValue]
    reward: float | None = None
    rank: float | None = None
    advantage: float | None = None
    old_reward: float | None = None
    old_rank: float | None = None
    old_advantage: float | None = None


class ScoredPrompt(Document):
    """`flat`: all rewards of the group are equal, so that nothing is learned from it. `reordered`: some two answers
    changed order. `shift` is the largest change of an advantage, 0 outside a replay.
    """

    prompt: str
    reference: str | None = None
    row: int | None = None
    step: int | None = None
    cursor: int | None = None
    answers: list[ScoredAnswer]
    flat: bool = False
    old_flat: bool = False
    reordered: bool = False
    shift: float = 0.0


class TermSummary(Document):
    """One term over all answers: of how many it had a value, the values' spread, what went wrong how often, the time."""

    name: str
    kind: str
    applied: int = Field(ge=0)
    mean: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    errors: int = Field(default=0, ge=0)
    error: str = ""
    seconds: float = Field(ge=0)


class ReplaySummary(Document):
    """`spearman` is ρ between old and new rewards over the answers that have both; `spearman_within` its mean over the
    groups where both vary. `flat_before` and `flat_after` count the groups of two or more whose rewards are all equal.
    """

    groups: int = Field(ge=0)
    reordered: int = Field(ge=0)
    flat_before: int = Field(ge=0)
    flat_after: int = Field(ge=0)
    spearman: float | None = None
    spearman_within: float | None = None
    old_mean: float | None = None


class TrialReport(Document):
    """All of a trial in numbers; `without` answers got no reward. `notes` say what was left out or counted differently."""

    prompts: int = Field(ge=0)
    answers: int = Field(ge=0)
    without: int = Field(ge=0)
    mean: float | None = None
    deviation: float | None = None
    terms: list[TermSummary]
    replay: ReplaySummary | None = None
    notes: list[str] = Field(default_factory=list)
    seconds: float = Field(ge=0)


class TrialOutcome(Document):
    """What the engine answers a `TrialRequest` with."""

    report: TrialReport
    prompts: list[ScoredPrompt]
