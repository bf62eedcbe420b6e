"""Curves of a run: attempts merged into one line with rising steps, whole or as a screen can show them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db.models import Sum

from runs.telemetry.columns import Columns, joined, unpack
from runs.telemetry.models import AttemptLog, MetricChunk
from runs.telemetry.thinning import thinned

WHOLE_POINTS = 100_000
"""A curve with no more points than this in the range is read whole before it is thinned."""
SKETCH_RATIO = 4
"""A longer one is drawn from the sketches of its chunks when these have this many times the points asked for."""


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


def _between(points: Columns, low: int | None, high: float | None) -> Columns:
    start = 0 if low is None else int(np.searchsorted(points.steps, low, side="left"))
    end = len(points) if high is None else int(np.searchsorted(points.steps, high, side="right"))
    return points if (start, end) == (0, len(points)) else points.part(slice(start, end))


def answers(
    run_id: str, names: Sequence[str], *, low: int | None, high: int | None, limit: int
) -> dict[str, dict[str, Any]]:
    """The named curves with low <= step <= high, thinned to about `limit` points each; one without points is left out."""
    sketches = _Sketches(run_id, names, low, high, limit)
    whole = curves(run_id, [name for name in names if name not in sketches.names], low=low, high=high)
    found = {name: thinned(points, limit) for name, points in whole.items() if len(points)}
    drawn = {name: thinned(points, limit, total=total) for name, (points, total) in sketches.read().items()}
    return {name: answer for name in names if (answer := found.get(name) or drawn.get(name))}


class _Sketches:
    """Long curves read from the sketches of their chunks, save where a chunk lies across an end of what is shown."""

    def __init__(self, run_id: str, names: Sequence[str], low: int | None, high: int | None, limit: int) -> None:
        self._ends = cuts(run_id)
        self._low, self._high = -1 if low is None else low, float("inf") if high is None else high
        rows = MetricChunk.objects.filter(run_id=run_id, name__in=names, last_step__gte=self._low)
        self._rows = rows if high is None else rows.filter(first_step__lte=high)
        sums = self._rows.values("name").annotate(points=Sum("count"), sketched=Sum("sketch_count"))
        long = [row for row in sums if row["points"] > WHOLE_POINTS and row["sketched"] >= SKETCH_RATIO * limit]
        self.names = {row["name"] for row in long}

    def read(self) -> dict[str, tuple[Columns, int]]:
        """For each long curve its points and how many they stand for."""
        if not self.names:
            return {}
        fields = ("id", "name", "attempt", "count", "first_step", "last_step", "sketch_count")
        rows = self._rows.filter(name__in=self.names).order_by("attempt", "first_step")
        whole = {row[0] for row in rows.values_list(*fields) if not self._within(row)}
        parts: dict[str, list[Columns]] = defaultdict(list)
        totals: dict[str, int] = defaultdict(int)
        data = dict(rows.filter(id__in=whole).values_list("id", "data"))
        for row in rows.values_list(*fields, "sketch").iterator(chunk_size=2000):
            chunk, name, attempt, count, *_, sketch_count, sketch = row
            stored = (count, bytes(data[chunk])) if chunk in data else (sketch_count, bytes(sketch))
            part = _between(unpack([stored]).up_to(self._ends[attempt]), self._low, self._high)
            part = part.part(slice(int(np.searchsorted(part.steps, _newest(parts[name]), side="right")), None))
            if len(part):
                parts[name].append(part)
                totals[name] += len(part) if chunk in data else count
        return {name: (joined(parts[name]), totals[name]) for name in parts}

    def _within(self, row: tuple[Any, ...]) -> bool:
        """Whether all of a chunk is shown, so that its sketch can stand for it."""
        _, _, attempt, _, first_step, last_step, sketch_count = row
        return bool(sketch_count and first_step >= self._low and last_step <= self._high and last_step < self._ends[attempt])


def _newest(parts: list[Columns]) -> int:
    return int(parts[-1].steps[-1]) if parts else -1


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
