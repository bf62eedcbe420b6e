"""Products: what a run leaves beside its events. An `artifact` event names the kind and the directory or file.

Small reports travel whole in a report file of JSON that the web side reads; everything a page shows is in it. Large
products (models, samples) stay directories that other runs take as their input.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from workers.contract.document import Document


class ProductKind(StrEnum):
    """Kinds of `artifact` events.

    model, reward_model: a directory that transformers loads, taken into the library. adapter: one that peft loads.
    reward_report: a `RewardReport`. evaluation: a directory with `report.json` (see `contract.evaluation`) and its items.
    samples: a directory of the answers that the run wrote (see `contract.samples`).
    """

    MODEL = "model"
    REWARD_MODEL = "reward_model"
    ADAPTER = "adapter"
    REWARD_REPORT = "reward_report"
    EVALUATION = "evaluation"
    SAMPLES = "samples"


class Interval(Document):
    """A proportion or mean with its 95 % interval; `n` observations. `method` names how it was found."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = Field(ge=0)
    method: str = ""


class Slice(Document):
    """Accuracy on part of the pairs: `by` the column or property, `value` what it is there."""

    by: str
    value: str
    accuracy: Interval


class CalibrationBin(Document):
    """Pairs whose predicted P(chosen ≻ rejected) lies in [low, high): their number, mean prediction, share right.

    Pairs are read in the order in which they are more likely right, so predictions lie in [0.5, 1].
    """

    low: float
    high: float
    n: int = Field(ge=0)
    predicted: float | None = None
    observed: float | None = None


class HistogramBin(Document):
    low: float
    high: float
    n: int = Field(ge=0)


class Measure(Document):
    """One more number of a report, in words: `title` names it, `help` says what it counts. None over nothing."""

    name: str
    title: str
    value: float | None = None
    help: str = ""


class RewardReport(Document):
    """How a reward model does on pairs: those of a held-out split, else the ones it learned from.

    `kind` says what it was asked about, and `pairs` counts: ordered pairs (of answers that were paired or ranked), answers
    that are right or wrong, steps, or graded answers. Where answers or steps are judged by themselves, calibration is of the
    chance that one is right, over [0, 1], `scores` is the histogram of those chances (of grades: of what the model is off by),
    and there are no margins; accuracy has no value for grades. `measures` are further numbers of that kind.

    `margins` are r(chosen) − r(rejected); `calibration_error` is Σ n_b/n·|observed − predicted| (ECE);
    `length_correlation` is Spearman's ρ between reward and answer length in tokens over all answers, and
    `longer_wins` the share of pairs where the longer answer got the higher reward, beside `longer_chosen`, the share where
    it is the chosen one. `pairs` is n; ties count half in accuracy. `held_out` is None in reports that do not say.
    """

    version: int = 1
    split: str
    held_out: bool | None = None
    pairs: int = Field(ge=0)
    accuracy: Interval
    slices: list[Slice] = Field(default_factory=list)
    calibration: list[CalibrationBin] = Field(default_factory=list)
    calibration_error: float | None = None
    margins: list[HistogramBin] = Field(default_factory=list)
    margin_mean: float | None = None
    reward_mean: float | None = None
    reward_std: float | None = None
    length_correlation: float | None = None
    longer_wins: float | None = None
    longer_chosen: float | None = None
    kind: Literal["pairs", "rankings", "outcome", "process", "regression"] = "pairs"
    measures: list[Measure] = Field(default_factory=list)
    scores: list[HistogramBin] = Field(default_factory=list)
