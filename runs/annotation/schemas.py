"""What the API takes and says about campaigns, their work, their people and their exports."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.annotation.verdicts import Verdict
from workers.contract.products import Interval

MOST_TASKS = 5000
Numbers = dict[str, int]


class Body(Schema):
    model_config = ConfigDict(extra="forbid")


class DatasetSource(Body):
    """Pairs of a data-set version: a preference's two answers, two of a ranking, or the two `columns` named."""

    kind: Literal["dataset"]
    version_id: str = Field(max_length=40)
    split: str = Field(default="train", max_length=100)
    columns: list[str] | None = Field(default=None, min_length=2, max_length=2)


class SamplesSource(Body):
    """Answers of models to the same prompts, as artifacts of the kind `samples` hold them.

    `pair`: `within` takes two answers of one model, `between` one answer of each of two (`models` names them; else the two
    that the artifacts hold). Several artifacts are joined by prompt.
    """

    kind: Literal["samples"]
    artifact_ids: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=4)
    pair: Literal["within", "between"] = "within"
    models: list[Annotated[str, Field(max_length=40)]] | None = Field(default=None, min_length=2, max_length=2)
    per_prompt: int = Field(default=1, ge=1, le=10)


class RolloutsSource(Body):
    """Two answers of a group that a run's policy wrote, at the steps chosen (all of them by default)."""

    kind: Literal["rollouts"]
    run_id: str = Field(max_length=40)
    step_from: int | None = Field(default=None, ge=0)
    step_to: int | None = Field(default=None, ge=0)
    per_prompt: int = Field(default=1, ge=1, le=10)


Source = Annotated[DatasetSource | SamplesSource | RolloutsSource, Field(discriminator="kind")]


class CampaignSourceIn(Body):
    source: Source


class CampaignIn(CampaignSourceIn):
    """`overlap` is how many people judge each pair. Without `seed` one is drawn; it decides which pairs, and the sides."""

    name: str = Field(min_length=1, max_length=120)
    question: str = Field(default="Which answer is better?", min_length=1, max_length=400)
    guidelines: str = Field(default="", max_length=20_000)
    limit: int = Field(default=200, ge=1, le=MOST_TASKS)
    overlap: int = Field(default=1, ge=1, le=20)
    allow_tie: bool = True
    allow_both_bad: bool = True
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)


class CampaignPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=120)
    question: str | None = Field(default=None, min_length=1, max_length=400)
    guidelines: str | None = Field(default=None, max_length=20_000)


class CampaignOut(Schema):
    """`source` is null for annotators: whose answers they compare is hidden. `mine` counts the asker's own judgments."""

    id: str
    project_id: str
    name: str
    question: str
    guidelines: str
    source: dict[str, Any] | None
    overlap: int
    allow_tie: bool
    allow_both_bad: bool
    state: Literal["open", "finished"]
    tasks: int
    done: int
    judgments: int
    mine: int
    left_out: Numbers
    created_at: datetime
    finished_at: datetime | None
    deleted_at: datetime | None


class PairTurn(Schema):
    """One turn of a conversation, as it is read."""

    role: str
    content: str


class PairOut(Schema):
    """A pair as an annotator sees it: no names, sides drawn. Texts, or turns where the source has them."""

    prompt: str | list[PairTurn]
    a: str | list[PairTurn]
    b: str | list[PairTurn]


class CampaignPreview(Schema):
    """The first pairs that a campaign over this source might show."""

    pairs: list[PairOut]
    left_out: Numbers


class PairTaskOut(PairOut):
    """A task in hand. `version` numbers the hold on it, which ends at `lease_until`."""

    id: str
    number: int
    version: int
    lease_until: datetime


class WorkProgress(Schema):
    state: Literal["open", "finished"]
    tasks: int
    done: int
    mine: int


class HandIn(Body):
    want: int = Field(default=5, ge=0, le=20)


class HandOut(Schema):
    """All tasks that the asker holds, those held before included; none when nothing waits for them."""

    tasks: list[PairTaskOut]
    progress: WorkProgress


class JudgmentIn(Body):
    """`client_id` is the client's own: a repeat with it is answered as the first time and counts once.

    `want` asks for so many tasks in hand with the answer, `seconds` is the time that the pair was looked at.
    """

    task_id: str = Field(max_length=40)
    client_id: str = Field(min_length=8, max_length=64, pattern=r"^[\w-]+$")
    verdict: Verdict
    version: int | None = Field(default=None, ge=1)
    comment: str = Field(default="", max_length=5000)
    flagged: bool = False
    seconds: float | None = Field(default=None, ge=0, le=86_400)
    want: int = Field(default=0, ge=0, le=20)


class JudgmentOut(Schema):
    id: str
    task_id: str
    client_id: str
    verdict: Verdict
    comment: str
    flagged: bool
    seconds: float | None
    created_at: datetime
    undone_at: datetime | None


class Judged(HandOut):
    judgment: JudgmentOut


class UndoIn(Body):
    """Without `client_id` the asker's last judgment is taken back; with it, that one, if it is their last."""

    client_id: str | None = Field(default=None, max_length=64)


class Undone(Schema):
    """The judgment that was taken back and its task, in the asker's hands again."""

    judgment: JudgmentOut
    task: PairTaskOut
    progress: WorkProgress


class CampaignProgress(WorkProgress):
    """`judgments` of `wanted`; `eta_seconds` at the pace of the last hour, null without one.

    `my_agreement` is the share of the others' judgments on the same pairs that agree with the asker's.
    """

    judgments: int
    wanted: int
    eta_seconds: float | None
    my_agreement: float | None


class AgreementOut(Schema):
    """Over pairs that two people or more judged. `raw` and `alpha` compare sides (a, b, tie, both bad); `alpha_ordinal`
    the five places from "A much better" to "B much better", without "both bad"."""

    pairs: int
    raw: float | None
    alpha: float | None
    alpha_ordinal: float | None


class AnnotatorOut(Schema):
    """`a_share` is how often the left side was preferred where one was, `known` how often the source's better answer was.

    Both with Wilson's interval. `agreement` is the share of others' judgments on the same pairs that agree.
    """

    annotator_id: str
    name: str
    judgments: int
    skips: int
    flags: int
    median_seconds: float | None
    a_share: Interval
    known: Interval
    agreement: float | None
    verdicts: Numbers
    last_at: datetime | None


class CampaignOverview(Schema):
    progress: CampaignProgress
    agreement: AgreementOut
    a_share: Interval
    known: Interval
    verdicts: Numbers
    conflicts: int
    unresolved: int
    flagged: int
    set_aside: int
    median_seconds: float | None
    people: list[AnnotatorOut]


class PairVote(Schema):
    annotator: str
    verdict: Verdict
    comment: str
    flagged: bool
    seconds: float | None
    created_at: datetime


class ConflictOut(PairOut):
    """A task to look at, with what people said of it. Whose answers they are stays hidden here too."""

    id: str
    number: int
    votes: list[PairVote]
    resolution: Verdict | None
    resolved_by: str | None
    resolved_at: datetime | None


class ResolveIn(Body):
    """`skip` takes a resolution back."""

    verdict: Verdict


class CampaignExportIn(Body):
    shape: Literal["preference", "unpaired"] = "preference"


class CampaignExportCounts(Schema):
    """How many rows a version made now would have, what is left out and why, and the version that has just these rows."""

    shape: Literal["preference", "unpaired"]
    rows: int
    left_out: Numbers
    next_version: int
    unchanged_since: int | None


class CampaignExportOut(Schema):
    """`state` is `writing` until the file is written, then the state of the version: ingesting, ready, refused, cancelled."""

    id: str
    campaign_id: str
    shape: Literal["preference", "unpaired"]
    state: str
    error: dict[str, Any] | None
    rows: int
    left_out: Numbers
    job_id: str | None
    dataset_id: str | None
    version_id: str | None
    version_number: int | None
    created_at: datetime
