"""Fewer points that draw the same line: extremes stay, gaps stay, the newest point stays."""

from typing import Any

import numpy as np
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from runs.telemetry.columns import Columns, Floats, Ints

SHOWN_DIGITS = 5
"""Significant digits of the band and of thinned values: more than any screen has pixels, and half the bytes."""
SKETCH_POINTS = 64


def thinned(points: Columns, limit: int, *, total: int | None = None) -> dict[str, Any]:
    """The columns as an answer holds them: all points when there are at most `limit`, else about as many.

    First, newest, least and greatest point always stay, and the first of every stretch that was not finite. `total`
    is the number of points these stand for when they are a sketch.
    """
    total = len(points) if total is None else total
    if total <= limit:
        return _answer(points, total=total, exact=True)
    picked = pick(points.values, limit)
    low, high = _band(points.values, picked)
    return {**_answer(points.part(picked), total=total, exact=False), "low": low, "high": high}


def pick(values: Floats, limit: int) -> Ints:
    """Rising indices of at most about `limit` points that draw the same line (MinMaxLTTB on the finite ones)."""
    finite = np.flatnonzero(np.isfinite(values))
    gaps = _gap_starts(values)[: limit // 4]
    room = max(limit - len(gaps) - 4, 3)
    drawn = finite
    if len(finite) > room:
        thinner = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
        chosen = thinner.downsample(np.ascontiguousarray(values[finite]), n_out=room)
        extremes = finite[[np.argmin(values[finite]), np.argmax(values[finite])]]
        drawn = np.concatenate([finite[chosen.astype(np.int64)], extremes])
    return np.unique(np.concatenate([drawn, gaps, [0, len(values) - 1]])).astype(np.int64)


def _gap_starts(values: Floats) -> Ints:
    broken = ~np.isfinite(values)
    return np.flatnonzero(broken & ~np.concatenate([[False], broken[:-1]]))


def _band(values: Floats, picked: Ints) -> tuple[Floats, Floats]:
    """Least and greatest finite value from each picked point up to the next one; NaN where there is none."""
    return _rounded(np.fmin.reduceat(values, picked)), _rounded(np.fmax.reduceat(values, picked))


def _answer(points: Columns, *, total: int, exact: bool) -> dict[str, Any]:
    values = points.values if exact else _rounded(points.values)
    times = np.round(points.times, 3)
    return {"step": points.steps, "time": times, "tokens": points.tokens, "value": values, "total": total, "exact": exact}


def _rounded(values: Floats) -> Floats:
    """`values` to a few significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.power(10.0, SHOWN_DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(np.isfinite(scale) & (scale > 0), np.round(values * scale) / scale, values)


def sketch(values: Floats) -> Ints:
    """Rising indices of a few points of a chunk: least and greatest of equal stretches, first, last, and where gaps begin."""
    finite = np.flatnonzero(np.isfinite(values))
    drawn = finite
    if len(finite) > SKETCH_POINTS:
        thinner = MinMaxDownsampler()  # type: ignore[no-untyped-call]
        drawn = finite[thinner.downsample(np.ascontiguousarray(values[finite]), n_out=SKETCH_POINTS).astype(np.int64)]
    gaps = _gap_starts(values)[: SKETCH_POINTS // 4]
    return np.unique(np.concatenate([drawn, gaps, [0, len(values) - 1]])).astype(np.int64)
