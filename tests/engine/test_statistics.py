"""Intervals and paired tests against published tables and numbers from scipy and statsmodels."""

import math
from typing import Any

import numpy as np
import pytest

from workers.statistics import (
    bootstrap,
    detectable,
    holm,
    items_needed,
    mcnemar,
    mean_interval,
    paired,
    paired_bootstrap,
    paired_proportions,
    pass_at_k,
    wilson,
)


@pytest.mark.parametrize(("right", "n", "low", "high"), [
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
])
def test_wilson_intervals_are_those_of_newcombes_table(right: int, n: int, low: float, high: float) -> None:
    found: Any = wilson(right, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert (found.value, found.n) == (right / n, n)


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 0).value is None
    assert (wilson(5, 5).high, wilson(0, 5).low) == (1.0, 0.0)
    assert wilson(2.5, 5).value == 0.5
    with pytest.raises(ValueError, match="6 successes in 5"):
        wilson(6, 5)


@pytest.mark.parametrize(("gained", "lost", "p"), [
    # The p that scipy's binomtest gives the smaller count out of b + c at one half.
    (6, 1, 0.125), (10, 2, 0.03857421875), (0, 0, 1.0), (3, 3, 1.0), (0, 8, 0.0078125),
    (121, 59, 4.434e-06), (150, 86, 3.715e-05),
])
def test_mcnemar_is_the_exact_binomial_test(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=1e-3)
    assert mcnemar(lost, gained) == mcnemar(gained, lost)


def test_mcnemar_of_many_flips_neither_overflows_nor_vanishes() -> None:
    assert mcnemar(5000, 5000) == 1.0
    # The normal approximation with continuity correction: z = (|b - c| - 1) / sqrt(b + c).
    z = (600 - 1) / math.sqrt(10_000)
    assert mcnemar(5300, 4700) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=0.02)


def test_holm_steps_down_and_never_turns_back() -> None:
    # The p values of R's p.adjust(c(.01, .04, .03, .005), "holm").
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == [pytest.approx(0.03), pytest.approx(0.06), None, pytest.approx(0.06),
                                                     pytest.approx(0.02)]
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@pytest.mark.parametrize(("n", "right", "k", "value"), [
    (10, 3, 1, 0.3), (10, 3, 5, 11 / 12), (4, 1, 2, 0.5), (5, 0, 5, 0.0), (5, 5, 1, 1.0), (4, 3, 2, 1.0),
])
def test_pass_at_k_is_the_unbiased_estimator(n: int, right: int, k: int, value: float) -> None:
    assert pass_at_k(n, right, k) == pytest.approx(value)
    assert pass_at_k(n, right, k) == pytest.approx(1 - math.comb(n - right, k) / math.comb(n, k))


def test_the_bootstrap_of_a_mean_comes_near_the_t_interval() -> None:
    data = np.random.default_rng(3).normal(2.0, 1.0, 400)
    found = bootstrap(list(data))
    half = 1.9659 * data.std(ddof=1) / 20  # scipy.stats.t.ppf(0.975, 399)
    assert found.low == pytest.approx(data.mean() - half, abs=0.02)
    assert found.high == pytest.approx(data.mean() + half, abs=0.02)
    assert found == bootstrap(list(data))


def test_a_mean_of_equal_values_is_not_told_as_certain() -> None:
    ties = mean_interval([0.5] * 20)
    assert ties.low == pytest.approx(wilson(10, 20).low)
    assert mean_interval([1.0, 0.0, 1.0]).method == "wilson"
    assert mean_interval([0.25, 0.5]).method == "bootstrap"
    assert mean_interval([]).value is None


def test_bonett_and_prices_interval_by_hand() -> None:
    # b = 8, c = 2, n = 30: up 9/32, down 3/32; 0.1875 ± 1.959964·√((0.375 − 0.03515625)/32).
    found: Any = paired_proportions(8, 2, 30)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(-0.014482, abs=1e-6), pytest.approx(0.389482, abs=1e-6))
    none: Any = paired_proportions(0, 0, 10)
    assert none.high > 0


def test_the_paired_interval_covers_the_truth_about_95_times_in_100() -> None:
    draw, hits = np.random.default_rng(0), 0
    for _ in range(1000):
        gained, lost, _ = draw.multinomial(60, [0.25, 0.10, 0.65])
        found: Any = paired_proportions(int(gained), int(lost), 60)
        hits += found.low <= 0.15 <= found.high
    assert 0.93 <= hits / 1000 <= 0.975


def test_right_and_wrong_are_compared_by_mcnemar() -> None:
    first, second = [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 1, 1, 1, 1, 0, 1]
    found = paired(first, second)
    assert (found.gained, found.lost, found.test) == (4, 1, "mcnemar")
    assert found.difference.value == pytest.approx(3 / 8)
    assert found.p_value == pytest.approx(0.375)
    assert not found.decided
    assert found.more_items is not None


def test_numbers_are_compared_by_the_paired_bootstrap() -> None:
    draw = np.random.default_rng(1)
    first = draw.normal(0, 1, 200)
    found: Any = paired(list(first), list(first + draw.normal(0.2, 1.0, 200)))
    # scipy.stats.ttest_rel on the same series.
    change = np.random.default_rng(1)
    change.normal(0, 1, 200)
    series = change.normal(0.2, 1.0, 200)
    t = series.mean() / (series.std(ddof=1) / math.sqrt(200))
    assert found.test == "paired bootstrap"
    assert found.p_value == pytest.approx(math.erfc(abs(t) / math.sqrt(2)), abs=0.02)
    assert found.decided == (found.difference.low > 0 or found.difference.high < 0)


def test_equal_series_are_undecided_and_no_number_of_items_is_promised() -> None:
    found = paired([1, 0, 1], [1, 0, 1])
    assert (found.p_value, found.more_items, found.detectable) == (1.0, None, None)
    assert paired([], []).p_value is None
    with pytest.raises(ValueError, match="2 and 1"):
        paired([1, 0], [1])
    interval, p = paired_bootstrap([0.5, 0.5, 0.5])
    assert (interval.low, interval.high) == (0.5, 0.5)
    assert p == pytest.approx(1 / 2001)


def test_the_smallest_detectable_difference_and_the_items_it_needs_agree() -> None:
    # Cohen 1988: a paired t test at d = 0.5 needs (1.96 + 0.8416)² / 0.25 = 31.4 pairs by the normal curve.
    assert items_needed(0.5, 1.0) == 32
    assert detectable(1.0, 32) == pytest.approx(0.4953, abs=1e-4)
    assert items_needed(0.0, 1.0) is None
    assert items_needed(0.1, 0.0) is None


def test_the_promised_power_is_reached() -> None:
    draw, n, found = np.random.default_rng(5), 200, 0
    shift = detectable(1.0, n)
    for _ in range(500):
        series = draw.normal(shift, 1.0, n)
        found += abs(series.mean()) / (series.std(ddof=1) / math.sqrt(n)) > 1.96
    assert 0.74 <= found / 500 <= 0.86
