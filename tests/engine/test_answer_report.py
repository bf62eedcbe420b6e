"""Reports on answers and steps one by one, against numbers worked by hand and brute force."""

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.contract.products import RewardReport
from workers.contract.records import Record
from workers.engine.reports.answer_report import (
    ScoredAnswer,
    ScoredSteps,
    auc,
    best_of,
    first_errors,
    outcome_report,
    process_report,
    regression_report,
)


def answer(score: float, label: float, prompt: str = "p", **extra: object) -> ScoredAnswer:
    return ScoredAnswer(score, label, 3, Record(prompt=prompt, extra=extra))


def steps(*given: tuple[float, float]) -> ScoredSteps:
    return ScoredSteps(tuple(answer(score, label) for score, label in given))


def value(report: RewardReport, name: str) -> float | None:
    return next(one.value for one in report.measures if one.name == name)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=7))
def test_auc_and_the_best_of_n_agree_with_counting(found: list[tuple[int, bool]]) -> None:
    good, bad = [score for score, right in found if right], [score for score, right in found if not right]
    counted = [1.0 if a > b else 0.5 if a == b else 0.0 for a in good for b in bad]
    wanted = sum(counted) / len(counted) if counted else None
    assert auc([score for score, _ in found], [right for _, right in found]) == (
        None if wanted is None else pytest.approx(wanted))
    picks = []
    for group in combinations(found, 2):
        top = [right for score, right in group if score == max(score for score, _ in group)]
        picks.append(sum(top) / len(top))
    assert best_of([answer(score, right) for score, right in found])[2] == pytest.approx(sum(picks) / len(picks))


def test_prompts_with_too_few_answers_are_no_choice_of_n() -> None:
    found = best_of([answer(2, 1), answer(1, 0), answer(0, 0), answer(5, 0, "q")])
    assert found == {2: pytest.approx(2 / 3)}


def test_an_outcome_report_by_hand() -> None:
    sure = math.log(9)
    found = outcome_report("test", [answer(sure, 1), answer(sure, 0), answer(-sure, 0), answer(-sure, 0)], held_out=True)
    assert (found.kind, found.pairs, found.accuracy.value) == ("outcome", 4, 0.75)
    assert value(found, "auc") == pytest.approx((0.5 + 1 + 1) / 3)
    filled = {round(one.predicted or 0, 6): (one.n, one.observed) for one in found.calibration if one.n}
    assert filled == {0.9: (2, 0.5), 0.1: (2, 0.0)}
    assert found.calibration_error == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert {(one.value, one.accuracy.value) for one in found.slices} == {("right", 1.0), ("wrong", 2 / 3)}


def test_first_errors_are_found_by_the_first_doubted_step() -> None:
    sound, caught, late, early = (steps((1, 1), (2, 1)), steps((1, 1), (-1, 0)), steps((1, 1), (1, 0), (-1, 0)),
                                  steps((-1, 1), (-1, 0)))
    found = first_errors([sound, caught, late, early])
    assert found["first_error_found"] == pytest.approx(1 / 3)
    assert found["all_right_passed"] == 1.0
    assert found["first_error_f1"] == pytest.approx(0.5)
    assert found["wrong_precision"] == pytest.approx(3 / 4)
    assert first_errors([sound])["first_error_f1"] is None
    assert first_errors([])["wrong_precision"] is None


def test_a_process_report_tells_steps_by_place() -> None:
    found = process_report("test", [steps(*[(1, 1)] * 14), steps((-1, 1))], held_out=False)
    assert found.pairs == 15
    assert [(one.value, one.accuracy.n) for one in found.slices][-2:] == [("11", 1), ("12 and later", 3)]
    assert found.slices[0].accuracy.value == 0.5
    assert value(found, "chance_1") == pytest.approx(0.5)


def test_a_regression_report_by_hand() -> None:
    found = regression_report("test", [answer(1, 0), answer(2, 2), answer(3, 4)], held_out=True)
    assert found.accuracy.value is None
    assert value(found, "rmse") == pytest.approx(math.sqrt(2 / 3))
    assert value(found, "mae") == pytest.approx(2 / 3)
    assert value(found, "r2") == pytest.approx(1 - 2 / 8)
    assert value(found, "pearson") == value(found, "spearman") == pytest.approx(1.0)


@pytest.mark.parametrize("make", [outcome_report, process_report, regression_report])
def test_reports_over_nothing_hold_nothing(make) -> None:
    found = make("test", [], held_out=False)
    assert found.pairs == 0
    assert all(one.value is None for one in found.measures)
    assert outcome_report("test", [answer(1e9, 1), answer(-1e9, 1)], held_out=False).accuracy.value == 0.5
