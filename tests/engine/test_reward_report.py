"""The report of a reward model against numbers worked by hand and against pandas."""

import math

import numpy as np
import pytest

from workers.contract.records import Record
from workers.engine.reports.reward_report import ScoredPair, calibration, histogram, report, slices, spearman


def pair(chosen: float, rejected: float, lengths: tuple[int, int] = (4, 4), **record: object) -> ScoredPair:
    return ScoredPair(chosen, rejected, *lengths, Record.model_validate(record))


def test_accuracy_counts_a_tie_as_half() -> None:
    found = report("test", [pair(1, 0), pair(0, 1), pair(2, 2), pair(3, 1)], held_out=True)
    assert (found.accuracy.value, found.accuracy.n, found.pairs) == (0.625, 4, 4)
    assert found.margin_mean == pytest.approx((1 - 1 + 0 + 2) / 4)
    assert found.reward_mean == pytest.approx(10 / 8)


def test_calibration_error_of_two_bins_by_hand() -> None:
    sure, unsure = math.log(0.92 / 0.08), math.log(0.62 / 0.38)
    margins = np.array([sure, sure, sure, -sure, unsure, -unsure])
    bins, error = calibration(margins)
    filled = [(round(each.low, 2), each.n, round(each.predicted or 0, 6), each.observed) for each in bins if each.n]
    assert filled == [(0.6, 2, 0.62, 0.5), (0.9, 4, 0.92, 0.75)]
    assert error == pytest.approx(4 / 6 * 0.17 + 2 / 6 * 0.12)


def test_certainty_and_ignorance_fall_into_the_last_and_the_first_bin() -> None:
    bins, _ = calibration(np.array([1e6, 0.0]))
    assert [each.n for each in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert bins[0].observed == 0.5


def test_spearman_is_the_correlation_of_the_ranks() -> None:
    pandas = pytest.importorskip("pandas")
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 6, 50).astype(float), draw.normal(size=50)
    wanted = pandas.Series(first).rank().corr(pandas.Series(second).rank())
    assert spearman(first, second) == pytest.approx(wanted)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 27.0])) == pytest.approx(1.0)
    assert spearman(np.ones(3), second[:3]) is None


def test_length_says_how_often_the_longer_answer_wins_and_should() -> None:
    found = report("test", [pair(2, 1, (9, 3)), pair(1, 2, (9, 3)), pair(5, 1, (2, 8)), pair(1, 0, (4, 4))], held_out=True)
    assert found.longer_wins == pytest.approx(1 / 3)
    assert found.longer_chosen == pytest.approx(2 / 3)


def test_slices_are_by_length_margin_and_columns_with_few_values() -> None:
    rows = [pair(1, 0, (8, 3), margin=float(index), extra={"topic": "sums" if index % 2 else "words", "id": index,
                                                         "note": [1]}) for index in range(30)]
    found = slices(rows)
    assert {(each.by, each.value): each.accuracy.n for each in found} == {
        ("length", "chosen over twice as long"): 30, ("margin", "small"): 10, ("margin", "middle"): 10, ("margin", "large"): 10,
        ("topic", "sums"): 15, ("topic", "words"): 15}


def test_a_column_that_names_rows_is_no_slice() -> None:
    rows = [pair(1, 0, extra={"side": "ab"[index % 2], "judged_at": f"12:0{index}", "answer": index // 2}) for index in range(8)]
    assert {(each.by, each.value) for each in slices(rows)} == {("length", "about as long"), ("side", "a"), ("side", "b")}


def test_a_histogram_holds_every_value_also_when_all_are_equal() -> None:
    assert sum(each.n for each in histogram(np.arange(7.0))) == 7
    assert [(each.n, each.low <= 2 <= each.high) for each in histogram(np.full(3, 2.0))] == [(3, True)]


def test_a_report_on_no_pairs_says_nothing() -> None:
    found = report("test", [], held_out=True)
    assert (found.pairs, found.accuracy.value, found.calibration_error, found.length_correlation) == (0, None, None, None)
