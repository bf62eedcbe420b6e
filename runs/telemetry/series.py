"""Curves as the screen can show them: attempts merged into one line, thinned without losing an extreme."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

from runs.telemetry.columns import Columns, Floats, Ints, joined, unpack
from runs.telemetry.models import AttemptLog, MetricChunk

BAND_DIGITS = 5
"""Significant digits of the band and of thinned values: more than any screen has pixels, and half the bytes."""


def cuts(run_id: str) -> dict[int, float]:
    """For each attempt the step at which later attempts replace it (infinity: never).

    A resumed attempt measures anew from its checkpoint on, so all that earlier ones measured from its first step on
    is superseded, in every curve alike, and no curve has a step twice.
    """
    logs = AttemptLog.objects.filter(run_id=run_id).order_by("-attempt").values_list("attempt", "first_step")
    ends: dict[int, float] = {}
    end = float("inf")
    for attempt, first_step in logs:
        ends[attempt] = end
        end = end if first_step is None else min(end, first_step)
    return ends


def curves(run_id: str, names: Sequence[str], *, low: int | None = None, high: int | None = None) -> dict[str, Columns]:
    """Every point of the named curves with low <= step <= high; a name that has none is left out."""
    rows = MetricChunk.objects.filter(run_id=run_id, name__in=names)
    if low is not None:
        rows = rows.filter(last_step__gte=low)
    if high is not None:
        rows = rows.filter(first_step__lte=high)
    by_name: dict[str, dict[int, list[tuple[int, bytes]]]] = defaultdict(lambda: defaultdict(list))
    found = rows.order_by("attempt", "first_step").values_list("name", "attempt", "count", "data")
    for name, attempt, count, data in found.iterator(chunk_size=2000):
        by_name[name][attempt].append((count, bytes(data)))
    ends = cuts(run_id)
    merged = {name: _merged(attempts, ends) for name, attempts in by_name.items()}
    return {name: _between(points, low, high) for name, points in merged.items()}


def _merged(attempts: dict[int, list[tuple[int, bytes]]], ends: dict[int, float]) -> Columns:
    """One line with rising steps. What a supervisor measured before its engine had found its step again is left out."""
    parts: list[Columns] = []
    for attempt, chunks in sorted(attempts.items()):
        part = unpack(chunks).up_to(ends[attempt])
        if parts:
            part = part.part(slice(int(np.searchsorted(part.steps, parts[-1].steps[-1], side="right")), None))
        if len(part):
            parts.append(part)
    return joined(parts)


def _between(points: Columns, low: int | None, high: int | None) -> Columns:
    start = 0 if low is None else int(np.searchsorted(points.steps, low, side="left"))
    end = len(points) if high is None else int(np.searchsorted(points.steps, high, side="right"))
    return points if (start, end) == (0, len(points)) else points.part(slice(start, end))


def thinned(points: Columns, limit: int) -> dict[str, Any]:
    """The columns as an answer holds them: all points when there are at most `limit`, else about as many.

    First, newest, least and greatest point always stay, and the first of every stretch that was not finite.
    """
    if len(points) <= limit:
        return _answer(points, total=len(points), exact=True)
    picked = pick(points.values, limit)
    low, high = _band(points.values, picked)
    return {**_answer(points.part(picked), total=len(points), exact=False), "low": low, "high": high}


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
        scale = np.power(10.0, BAND_DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(np.isfinite(scale) & (scale > 0), np.round(values * scale) / scale, values)


def summaries(run_id: str) -> list[dict[str, Any]]:
    """Every curve of the run in short, by name, superseded points left out."""
    ends = cuts(run_id)
    rows = MetricChunk.objects.filter(run_id=run_id).order_by("name", "attempt", "first_step")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for chunk in rows.defer("data").iterator(chunk_size=2000):
        if chunk.first_step >= ends[chunk.attempt]:
            continue
        found[chunk.name].append(_short(chunk, ends[chunk.attempt]))
    return [_summary(name, parts) for name, parts in found.items()]


def _short(chunk: MetricChunk, end: float) -> dict[str, Any]:
    """Count, bounds, last value and last step of the chunk's points before step `end`."""
    if chunk.last_step < end:
        return {"points": chunk.count, "min": chunk.low, "max": chunk.high, "last": chunk.last, "last_step": chunk.last_step}
    points = unpack([(chunk.count, bytes(chunk.data))]).up_to(end)
    finite = points.values[np.isfinite(points.values)].tolist()
    return {
        "points": len(points), "min": min(finite, default=None), "max": max(finite, default=None),
        "last": finite[-1] if finite else None, "last_step": int(points.steps[-1]),
    }


def _summary(name: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "points": sum(part["points"] for part in parts),
        "min": min(_known(part["min"] for part in parts), default=None),
        "max": max(_known(part["max"] for part in parts), default=None),
        "last": next(_known(part["last"] for part in reversed(parts)), None),
        "last_step": parts[-1]["last_step"],
    }


def _known(values: Iterable[float | None]) -> Iterator[float]:
    return (value for value in values if value is not None)
