"""Intervals, paired tests and the sizes of samples they need. Seeded, numpy only; both sides import it.

Every interval is of 95 % unless a level is given. Values that are None or not finite never enter: the caller leaves
them out and says how many. Equal inputs and seeds give equal numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from workers.contract.products import Interval

LEVEL = 0.95
POWER = 0.8
RESAMPLES = 2000
CELLS = 4_000_000
"""Numbers of one block of resamples: bounds memory, changes no result."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def quantile(probability: float) -> float:
    """Of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def wilson(successes: float, n: int, *, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a proportion (1927); ties may count half. Without observations there is no value.

    Inverts the score test: never leaves [0, 1], and stays honest at 0 and n successes. Raises ValueError for a count
    outside 0 to n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} observations")
    if n == 0:
        return Interval(value=None, n=0, method="wilson")
    z = quantile((1 + level) / 2)
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(value=share, low=low, high=high, n=n, method="wilson")


def bootstrap(values: Sequence[float], *, seed: int = 0, level: float = LEVEL, resamples: int = RESAMPLES) -> Interval:
    """Percentile interval of the mean (Efron 1979): the observations are drawn anew with replacement."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 0:
        return Interval(value=None, n=0, method="bootstrap")
    low, high = np.quantile(_resampled_means(data, seed, resamples), [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=float(data.mean()), low=float(low), high=float(high), n=len(data), method="bootstrap")


def mean_interval(values: Sequence[float], *, seed: int = 0) -> Interval:
    """Of a mean over independent items: Wilson's where every value is 0 or 1, else the bootstrap.

    Equal values within [0, 1] have no spread to resample, yet the next item may differ: theirs is Wilson's too, which
    allows the most spread that such a mean can have.
    """
    data = np.asarray(values, dtype=np.float64)
    bounded = bool(((data >= 0) & (data <= 1)).all())
    binary = bool(np.isin(data, (0.0, 1.0)).all())
    if bounded and (binary or len(np.unique(data)) == 1):
        return wilson(min(float(data.sum()), len(data)), len(data))
    return bootstrap(values, seed=seed)


def pass_at_k(n: int, right: int, k: int) -> float:
    """1 − C(n − c, k) / C(n, k): the unbiased chance that one of k answers drawn from n with c right is right.

    Chen et al. 2021 (arXiv 2107.03374), equation 1, as a product, so that no binomial overflows. 1 where n − c < k.
    Raises ValueError unless 0 ≤ c ≤ n and 1 ≤ k ≤ n.
    """
    if not (0 <= right <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {right} right in {n}")
    if n - right < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - right + 1, n + 1))


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p that `gained` and `lost` items flipped by chance alone (McNemar 1947): a sign test, Bin(b + c, ½)."""
    n, fewer = gained + lost, min(gained, lost)
    term, total = 1, 0
    for i in range(fewer + 1):
        total += term
        term = term * (n - i) // (i + 1)
    return min(1.0, _ratio(2 * total, n))


def _ratio(count: int, n: int) -> float:
    """count / 2^n for whole numbers too large for a float."""
    shift = max(0, count.bit_length() - 60)
    return math.ldexp(count >> shift, shift - n)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p (1979), in the order given: none of the true hypotheses is rejected, 95 times in 100. None stays."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        found[index] = highest
    return found


@dataclass(frozen=True)
class Difference:
    """Second minus first over items that both have.

    `p_value` is two-sided; `detectable` the smallest difference that n such items show with 80 % power; `more_items` how
    many more would show the difference found, None where none can be told (no difference, or it is decided already).
    `gained` and `lost` count items that went up and down.
    """

    difference: Interval
    p_value: float | None
    test: str
    gained: int
    lost: int
    deviation: float
    detectable: float | None
    more_items: int | None

    @property
    def decided(self) -> bool:
        """The test rejects equality at 5 %."""
        return self.p_value is not None and self.p_value < 1 - LEVEL


def paired(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> Difference:
    """Compares two series item by item; entry i of both is the same item. Raises ValueError for unequal lengths.

    Of right and wrong (0 and 1): McNemar's exact test, and Bonett and Price's interval (2012). Of any other numbers: the
    paired bootstrap for both.
    """
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} and {len(after)} items")
    change = after - before
    gained, lost, n = int((change > 0).sum()), int((change < 0).sum()), len(change)
    deviation = float(change.std(ddof=1)) if n > 1 else 0.0
    if n == 0:
        return Difference(Interval(value=None, n=0), None, "", 0, 0, 0.0, None, None)
    binary = bool(np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all())
    if binary:
        found, p_value, test = paired_proportions(gained, lost, n), mcnemar(gained, lost), "mcnemar"
    else:
        found, p_value = paired_bootstrap(change, seed=seed)
        test = "paired bootstrap"
    mean = float(change.mean())
    # Items that never differ leave nothing to judge the spread by.
    needed = None if p_value < 1 - LEVEL else items_needed(mean, deviation)
    more = None if needed is None else max(1, needed - n)
    return Difference(found, p_value, test, gained, lost, deviation, detectable(deviation, n) if deviation else None, more)


def paired_proportions(gained: int, lost: int, n: int, *, level: float = LEVEL) -> Interval:
    """The difference of two proportions on the same n items: Wald's interval with one item added to each kind of flip.

    Bonett and Price, Journal of Educational and Behavioral Statistics 37(4), 2012, equation 5. Keeps its level for small n,
    and has a width where nothing flipped.
    """
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = quantile((1 + level) / 2) * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    middle = up - down
    return Interval(value=(gained - lost) / n, low=max(-1.0, middle - half), high=min(1.0, middle + half), n=n,
                    method="bonett-price")


def paired_bootstrap(change: Sequence[float] | Floats, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Interval, float]:
    """Percentile interval of the mean change, and the two-sided p under the resampled null, whose mean is moved to 0.

    Efron and Tibshirani 1993, chapter 16; p counts the sample itself, so it is at least 1 / (resamples + 1).
    """
    data = np.asarray(change, dtype=np.float64)
    mean = float(data.mean())
    means = _resampled_means(data, seed, resamples)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # Equal means differ in their last digits by the order of summation.
    as_far = int((np.abs(means - mean) >= abs(mean) * (1 - 1e-12)).sum())
    found = Interval(value=mean, low=float(low), high=float(high), n=len(data), method="bootstrap")
    return found, (as_far + 1) / (resamples + 1)


def detectable(deviation: float, n: int, *, power: float = POWER, level: float = LEVEL) -> float:
    """(z_{1−α/2} + z_power) · s / √n: the least true mean that a two-sided test on n items finds with that power."""
    return (quantile((1 + level) / 2) + quantile(power)) * deviation / math.sqrt(n)


def items_needed(difference: float, deviation: float, *, power: float = POWER, level: float = LEVEL) -> int | None:
    """Items whose `detectable` difference is this one; None where the difference or the deviation is 0."""
    if difference == 0 or deviation == 0:
        return None
    return math.ceil(((quantile((1 + level) / 2) + quantile(power)) * deviation / abs(difference)) ** 2)


def _resampled_means(data: Floats, seed: int, resamples: int) -> Floats:
    draw, n = np.random.default_rng(seed), len(data)
    block = max(1, CELLS // n)
    return np.concatenate([data[draw.integers(0, n, (min(block, resamples - start), n))].mean(axis=1)
                           for start in range(0, resamples, block)])
