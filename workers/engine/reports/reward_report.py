"""The report of a reward model: how often it prefers what people preferred, where, how surely, and whether it likes length.

Everything is computed from the scores of pairs that were not trained on (where there are such): see
`contract.products.RewardReport`. Numbers over nothing are None.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np

from workers.contract.products import CalibrationBin, HistogramBin, Interval, Measure, RewardReport, Slice
from workers.contract.records import Record
from workers.statistics import wilson

CALIBRATION_BINS = 10
MARGIN_BINS = 20
COLUMN_VALUES = 12
"""A column with more different values than this says nothing about parts of the data."""
ROWS_OF_A_VALUE = 4
"""A column whose values have fewer rows each, on average, names rows rather than parts: ids, times."""
LENGTHS = ((0.5, "chosen under half as long"), (0.9, "chosen shorter"), (1.1, "about as long"), (2.0, "chosen longer"),
           (math.inf, "chosen over twice as long"))


@dataclass(frozen=True)
class ScoredPair:
    """Scores of the two answers, their lengths in tokens, and the row they come from."""

    chosen: float
    rejected: float
    chosen_tokens: int
    rejected_tokens: int
    record: Record

    @property
    def margin(self) -> float:
        return self.chosen - self.rejected


def report(split: str, pairs: Sequence[ScoredPair], *, held_out: bool, kind: Literal["pairs", "rankings"] = "pairs",
           measures: Sequence[Measure] = ()) -> RewardReport:
    """Everything the page shows of a reward model, from its scores on one split."""
    margins = np.array([pair.margin for pair in pairs])
    rewards = np.array([score for pair in pairs for score in (pair.chosen, pair.rejected)])
    lengths = np.array([float(n) for pair in pairs for n in (pair.chosen_tokens, pair.rejected_tokens)])
    bins, error = calibration(margins)
    unequal = [pair for pair in pairs if pair.chosen_tokens != pair.rejected_tokens]
    return RewardReport(
        split=split, held_out=held_out, pairs=len(pairs), accuracy=accuracy(pairs), slices=slices(pairs), calibration=bins,
        calibration_error=error, margins=histogram(margins), margin_mean=_mean(margins), reward_mean=_mean(rewards),
        reward_std=float(rewards.std(ddof=1)) if len(rewards) > 1 else None, length_correlation=spearman(rewards, lengths),
        longer_wins=_share([pair.margin * (pair.chosen_tokens - pair.rejected_tokens) > 0 for pair in unequal]),
        longer_chosen=_share([pair.chosen_tokens > pair.rejected_tokens for pair in unequal]), kind=kind,
        measures=list(measures))


def accuracy(pairs: Sequence[ScoredPair]) -> Interval:
    """Share of pairs whose chosen answer scores higher, a tie counting half, with Wilson's interval."""
    return wilson(float(_right(np.array([pair.margin for pair in pairs])).sum()), len(pairs))


def slices(pairs: Sequence[ScoredPair]) -> list[Slice]:
    """Accuracy by length of the answers, by the people's margin where rows state one, and by columns with few values."""
    found = _by("length", pairs, _length_class, [name for _, name in LENGTHS])
    stated = [pair for pair in pairs if pair.record.margin is not None]
    if len({pair.record.margin for pair in stated}) > 1:
        low, high = np.quantile([pair.record.margin for pair in stated], [1 / 3, 2 / 3])
        found += _by("margin", stated, lambda pair: _third(pair.record.margin or 0.0, float(low), float(high)),
                     ["small", "middle", "large"])
    return found + by_columns(pairs, accuracy)


class OfRecord(Protocol):
    @property
    def record(self) -> Record: ...


Item = TypeVar("Item", bound=OfRecord)


def by_columns(items: Sequence[Item], accuracy: Callable[[Sequence[Item]], Interval]) -> list[Slice]:
    """Accuracy on the parts of the items that columns with few values make."""
    found = []
    for column in sorted({name for item in items for name in item.record.extra}):
        known = [item for item in items if isinstance(item.record.extra.get(column), str | bool | int)]
        values = sorted({str(item.record.extra[column]) for item in known})
        if 1 < len(values) <= min(COLUMN_VALUES, len(known) // ROWS_OF_A_VALUE):
            parts = {value: [item for item in known if str(item.record.extra[column]) == value] for value in values}
            found += [Slice(by=column, value=value, accuracy=accuracy(part)) for value, part in parts.items()]
    return found


def calibration(margins: np.ndarray) -> tuple[list[CalibrationBin], float | None]:
    """Bins of the predicted probability σ(|Δ|) that the higher score is the chosen answer, and Σ n_b/n·|observed − predicted|."""
    return binned(1 / (1 + np.exp(-np.abs(margins))), _right(margins), low=0.5)


def binned(sure: np.ndarray, right: np.ndarray, *, low: float) -> tuple[list[CalibrationBin], float | None]:
    """Ten bins over [low, 1] of predictions `sure` [n], of which `right` [n] came true, and Σ n_b/n·|observed − predicted|."""
    edges = np.linspace(low, 1.0, CALIBRATION_BINS + 1)
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, CALIBRATION_BINS - 1)
    bins, error = [], 0.0
    for index in range(CALIBRATION_BINS):
        inside = place == index
        predicted, observed = _mean(sure[inside]), _mean(right[inside])
        bins.append(CalibrationBin(low=float(edges[index]), high=float(edges[index + 1]), n=int(inside.sum()),
                                   predicted=predicted, observed=observed))
        if predicted is not None and observed is not None:
            error += float(inside.sum()) / len(sure) * abs(observed - predicted)
    return bins, error if len(sure) else None


def histogram(values: np.ndarray) -> list[HistogramBin]:
    """Bins of equal width from the smallest to the largest value; one bin when all are equal."""
    if len(values) == 0:
        return []
    wide = float(values.max()) > float(values.min())
    counts, edges = np.histogram(values, bins=MARGIN_BINS if wide else 1)
    return [HistogramBin(low=float(low), high=float(high), n=int(n))
            for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's ρ: Pearson's correlation of the ranks, equal values sharing their mean rank. None where one is constant."""
    if len(first) < 2:
        return None
    left, right = (ranks(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = math.sqrt(float((left**2).sum() * (right**2).sum()))
    return float((left * right).sum()) / scale if scale else None


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks [n] of values [n] from the lowest, 1, on; equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    found: np.ndarray = (last - (counts - 1) / 2)[place]
    return found


def _right(margins: np.ndarray) -> np.ndarray:
    return np.where(margins > 0, 1.0, np.where(margins == 0, 0.5, 0.0))


def _by(name: str, pairs: Sequence[ScoredPair], value: Callable[[ScoredPair], str], order: Sequence[str]) -> list[Slice]:
    parts = {each: [pair for pair in pairs if value(pair) == each] for each in order}
    return [Slice(by=name, value=each, accuracy=accuracy(part)) for each, part in parts.items() if part]


def _length_class(pair: ScoredPair) -> str:
    ratio = pair.chosen_tokens / max(1, pair.rejected_tokens)
    return next(name for bound, name in LENGTHS if ratio < bound)


def _third(value: float, low: float, high: float) -> str:
    return "small" if value <= low else "middle" if value <= high else "large"


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None
