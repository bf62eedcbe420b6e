"""The report of a reward model that judges answers, or steps, one by one: how right, how sure, how well it picks the best.

Numbers over nothing are None. Chances are σ of the scores; a step or answer counts as right at a label of one half or more,
and is taken for right at a chance of one half or more.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.contract.products import Interval, Measure, RewardReport, Slice
from workers.contract.records import Record
from workers.engine.data.rendering import text_of
from workers.engine.reports.reward_report import binned, by_columns, histogram, ranks, spearman
from workers.statistics import wilson

MOST_STEPS = 12
"""Steps whose accuracy is told one by one; those after are told together."""


@dataclass(frozen=True)
class ScoredAnswer:
    """The score of an answer (log-odds, or a grade), what people said of it, its length in tokens, the row it is from."""

    score: float
    label: float
    tokens: int
    record: Record

    @property
    def right(self) -> bool:
        return self.label >= 0.5

    @property
    def chance(self) -> float:
        return 1 / (1 + math.exp(-max(min(self.score, 700.0), -700.0)))


@dataclass(frozen=True)
class ScoredSteps:
    """Scores and labels of an answer's labelled steps, in order."""

    steps: tuple[ScoredAnswer, ...]

    @property
    def first_wrong(self) -> int:
        """The first step that is labelled wrong; −1 where all are right."""
        return next((at for at, step in enumerate(self.steps) if not step.right), -1)

    @property
    def first_doubted(self) -> int:
        """The first step that the model takes for wrong; −1 where it takes all for right."""
        return next((at for at, step in enumerate(self.steps) if step.chance < 0.5), -1)


def outcome_report(split: str, answers: Sequence[ScoredAnswer], *, held_out: bool) -> RewardReport:
    """Of answers that are right or wrong: accuracy, AUC, calibration, and how often the best of N is right."""
    picks = [Measure(name=f"best_of_{n}", title=f"Right, best of {n}", value=value,
                     help=f"Share of prompts whose highest-scored answer of {n} is right, over all choices of {n}.")
             for n, value in best_of(answers).items()]
    measures = [
        Measure(name="auc", title="AUC", value=auc([one.score for one in answers], [one.right for one in answers]),
                help="Chance that a right answer scores above a wrong one; ½ is no better than a coin."), *picks]
    halves = {name: [one for one in answers if one.right is right] for name, right in (("right", True), ("wrong", False))}
    slices = [Slice(by="label", value=name, accuracy=accuracy(part)) for name, part in halves.items() if part]
    return _judged("outcome", split, answers, slices + by_columns(answers, accuracy), measures, held_out=held_out)


def process_report(split: str, solutions: Sequence[ScoredSteps], *, held_out: bool) -> RewardReport:
    """Of labelled steps: accuracy, calibration, whether the first error is found, accuracy and precision by place."""
    steps = [step for solution in solutions for step in solution.steps]
    found = first_errors(solutions)
    measures = [
        Measure(name="auc", title="AUC", value=auc([one.score for one in steps], [one.right for one in steps]),
                help="Chance that a right step scores above a wrong one."),
        Measure(name="first_error_f1", title="First error, F1", value=found["first_error_f1"],
                help="Harmonic mean of: first errors found, of answers that have one; answers passed, of those that have none."),
        Measure(name="first_error_found", title="First errors found", value=found["first_error_found"]),
        Measure(name="all_right_passed", title="Right answers passed", value=found["all_right_passed"]),
        Measure(name="wrong_precision", title="Precision on wrong steps", value=found["wrong_precision"],
                help="Share of the steps taken for wrong that are."),
    ]
    slices = []
    for at in range(min(MOST_STEPS, max((len(one.steps) for one in solutions), default=0))):
        last = at == MOST_STEPS - 1
        part = [step for one in solutions for step in (one.steps[at:] if last else one.steps[at: at + 1])]
        slices.append(Slice(by="step", value=f"{at + 1} and later" if last else str(at + 1), accuracy=accuracy(part)))
        mean = float(np.mean([step.chance for step in part]))
        measures.append(Measure(name=f"chance_{at + 1}", title=f"Mean chance of step {at + 1}{' and later' * last}", value=mean))
    return _judged("process", split, steps, slices, measures, held_out=held_out)


def regression_report(split: str, answers: Sequence[ScoredAnswer], *, held_out: bool) -> RewardReport:
    """Of graded answers: how far off, how much of the grades' spread is explained, and whether the order is kept."""
    scores, grades = (np.array([getattr(one, name) for one in answers], dtype=float) for name in ("score", "label"))
    measures = [Measure(name=name, title=title, value=value, help=said) for (name, title, said), value in zip((
        ("rmse", "Root mean squared error", "In the units of the grades."),
        ("mae", "Mean absolute error", ""),
        ("r2", "R²", "Share of the grades' variance that the scores explain; below 0 the mean grade would do better."),
        ("pearson", "Pearson's r", ""),
        ("spearman", "Spearman's ρ", "Whether the order is kept."),
    ), _grade_measures(scores, grades), strict=True)]
    return RewardReport.model_validate(
        {"split": split, "held_out": held_out, "pairs": len(answers), "accuracy": Interval(value=None, n=0),
         "kind": "regression", "measures": measures, "scores": histogram(scores - grades)} | _spread(answers))


def accuracy(answers: Sequence[ScoredAnswer]) -> Interval:
    """Share of answers or steps taken for what they are, with Wilson's interval."""
    return wilson(float(sum((one.chance >= 0.5) == one.right for one in answers)), len(answers))


def auc(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """The chance that a right one scores above a wrong one, equal scores counting half; None without both."""
    marks = np.array(right, dtype=bool)
    good, bad = int(marks.sum()), int((~marks).sum())
    if not good or not bad:
        return None
    return float((ranks(np.array(scores))[marks].sum() - good * (good + 1) / 2) / (good * bad))


def best_of(answers: Sequence[ScoredAnswer]) -> dict[int, float]:
    """For N = 2, 4, … 64 the share of right picks: the highest score among N answers of a prompt, over every choice of N.

    Prompts with fewer answers are left out, and an N without prompts. The answer at place j of n, best first, is the best of a
    random choice with chance C(n−1−j, N−1)/C(n, N); answers of equal score share their chances.
    """
    by_prompt: dict[str, list[ScoredAnswer]] = defaultdict(list)
    for one in answers:
        by_prompt[text_of(one.record.prompt or "")].append(one)
    found = {}
    for size in (2, 4, 8, 16, 32, 64):
        picks = [_picked(group, size) for group in by_prompt.values() if len(group) >= size]
        if picks:
            found[size] = sum(picks) / len(picks)
    return found


def _picked(group: Sequence[ScoredAnswer], size: int) -> float:
    scores = np.array([one.score for one in group])
    order = np.argsort(-scores, kind="stable")
    count = len(group)
    chances = np.array([math.comb(count - 1 - place, size - 1) / math.comb(count, size) for place in range(count)])
    _, level = np.unique(-scores[order], return_inverse=True)
    shared = (np.bincount(level, weights=chances) / np.bincount(level))[level]
    return float((shared * np.array([group[index].right for index in order])).sum())


def first_errors(solutions: Sequence[ScoredSteps]) -> dict[str, float | None]:
    """`first_error_found`, `all_right_passed`, their harmonic mean `first_error_f1` (None without both), `wrong_precision`."""
    known = [one for one in solutions if one.steps]
    wrong, sound = ([one for one in known if (one.first_wrong >= 0) is has] for has in (True, False))
    found = _share([one.first_doubted == one.first_wrong for one in wrong])
    passed = _share([one.first_doubted < 0 for one in sound])
    both = None if found is None or passed is None else 2 * found * passed / (found + passed) if found + passed else 0.0
    doubted = [step for one in known for step in one.steps if step.chance < 0.5]
    return {"first_error_found": found, "all_right_passed": passed, "first_error_f1": both,
            "wrong_precision": _share([not step.right for step in doubted])}


def _grade_measures(scores: np.ndarray, grades: np.ndarray) -> list[float | None]:
    """Root mean squared and mean absolute error, R², Pearson's and Spearman's correlation."""
    if not len(scores):
        return [None] * 5
    off, spread = scores - grades, float(((grades - grades.mean()) ** 2).sum())
    vary = spread > 0 and float(scores.std()) > 0
    return [float(np.sqrt((off**2).mean())), float(np.abs(off).mean()), 1 - float((off**2).sum()) / spread if spread else None,
            float(np.corrcoef(scores, grades)[0, 1]) if vary else None, spearman(scores, grades)]


def _judged(kind: str, split: str, answers: Sequence[ScoredAnswer], slices: list[Slice], measures: list[Measure], *,
            held_out: bool) -> RewardReport:
    chances, labels = np.array([one.chance for one in answers]), np.array([one.label for one in answers])
    bins, error = binned(chances, labels, low=0.0)
    return RewardReport.model_validate(
        {"split": split, "held_out": held_out, "pairs": len(answers), "accuracy": accuracy(answers), "slices": slices,
         "calibration": bins, "calibration_error": error, "kind": kind, "measures": measures, "scores": histogram(chances)}
        | _spread(answers))


def _spread(answers: Sequence[ScoredAnswer]) -> dict[str, object]:
    """Mean and deviation of the scores, and their rank correlation with length."""
    scores, lengths = (np.array([float(getattr(one, name)) for one in answers]) for name in ("score", "tokens"))
    return {"reward_mean": float(scores.mean()) if len(scores) else None,
            "reward_std": float(scores.std(ddof=1)) if len(scores) > 1 else None, "length_correlation": spearman(scores, lengths)}


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None
