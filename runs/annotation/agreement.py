"""How far people agree: the raw share of equal pairs of judgments, and Krippendorff's α, which takes chance away.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011),
https://repository.upenn.edu/handle/20.500.14332/2089. Units with fewer than two values say nothing and are left out.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

V = TypeVar("V", bound=Hashable)
Units = Sequence[Sequence[V]]
"""For each unit (pair of answers) the values that it was given, in any order."""
Distance = Callable[[V, V, Mapping[V, float]], float]
"""δ² of two values; the mapping has n_c, how often each value stands in the coincidence matrix."""


def raw_agreement(units: Units[V]) -> float | None:
    """The share of equal pairs among all pairs of values of one unit; None without any pair."""
    equal = pairs = 0.0
    for values in units:
        count = len(values)
        pairs += count * (count - 1)
        equal += sum(same * (same - 1) for same in Counter(values).values())
    return equal / pairs if pairs else None


def nominal(one: V, other: V, totals: Mapping[V, float]) -> float:
    return float(one != other)


def ordinal(one: float, other: float, totals: Mapping[float, float]) -> float:
    """δ²(c, k) = (Σ_{g=c..k} n_g − (n_c + n_k) / 2)², for c ≤ k."""
    low, high = sorted((one, other))
    between = sum(count for value, count in totals.items() if low <= value <= high)
    return (between - (totals[low] + totals[high]) / 2) ** 2 if low != high else 0.0


def interval(one: float, other: float, totals: Mapping[float, float]) -> float:
    return (one - other) ** 2


def alpha(units: Units[V], distance: Distance[V]) -> float | None:
    """α = 1 − D_o / D_e over the coincidence matrix o_ck = Σ_u (ordered pairs c, k in u) / (m_u − 1).

    1 is full agreement, 0 what chance gives, below 0 is worse than chance. None where there is nothing to compare: no
    unit with two values, or only one value was ever given (then D_e = 0 and α is not defined).
    """
    matrix = _coincidences(units)
    totals: Counter[V] = Counter()
    for (value, _), count in matrix.items():
        totals[value] += count  # type: ignore[assignment] # counts are fractions here
    n = sum(totals.values())
    expected = sum(totals[c] * totals[k] * distance(c, k, totals) for c in totals for k in totals)
    if not expected:
        return None
    observed = sum(count * distance(c, k, totals) for (c, k), count in matrix.items())
    return 1 - (n - 1) * observed / expected


def _coincidences(units: Units[V]) -> dict[tuple[V, V], float]:
    matrix: dict[tuple[V, V], float] = {}
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        for c, of_c in counts.items():
            for k, of_k in counts.items():
                pairs = of_c * (of_k - (c == k))
                if pairs:
                    matrix[c, k] = matrix.get((c, k), 0.0) + pairs / (len(values) - 1)
    return matrix
