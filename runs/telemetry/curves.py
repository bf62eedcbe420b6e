"""Appends points to the curves of a run. The tail of a curve is rewritten until it is long, then sealed for good."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from runs.launches.models import Run
from runs.telemetry.columns import Columns, columns, joined, pack, unpack
from runs.telemetry.models import TAIL, MetricChunk
from runs.telemetry.thinning import sketch
from workers.contract.events import Event, MetricsEvent

TAIL_POINTS = 512
"""A tail that has come this long is sealed, all but its newest point."""
CHUNK_POINTS = 4096
"""A sealed chunk has no more points than this: a large delivery makes several."""
NAMES_PER_QUERY = 500

Point = tuple[int, float, int, float | None]


def points_by_name(events: Iterable[Event]) -> dict[str, list[Point]]:
    """(step, time, tokens, value) rows of every curve that the events carry.

    An evaluation's values reach the curves by the metrics event that the engine writes beside it.
    """
    found: dict[str, list[Point]] = defaultdict(list)
    for event in events:
        if isinstance(event, MetricsEvent):
            for name, value in event.values.items():
                found[name].append((event.step, event.time, event.tokens, value))
    return found


def append_points(run: Run, attempt: int, points: dict[str, list[Point]]) -> None:
    """Writes the points after those the attempt has already; one step of one curve keeps its latest value.

    Call it in the transaction that keeps the events. Two statements for all curves together, whatever their number.
    """
    tails = _tails(run, attempt, list(points))
    chunks: list[MetricChunk] = []
    for name, rows in points.items():
        chunks += _grown(run, attempt, name, tails.get(name), columns(rows))
    MetricChunk.objects.bulk_create(
        chunks,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["run", "name", "attempt", "number"],
        update_fields=["first_step", "last_step", "count", "low", "high", "last", "data", "sketch_count", "sketch"],
    )


def _tails(run: Run, attempt: int, names: Sequence[str]) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = names[start : start + NAMES_PER_QUERY]
        rows = MetricChunk.objects.filter(run=run, attempt=attempt, number=TAIL, name__in=some)
        found |= {name: unpack([(count, bytes(data))]) for name, count, data in rows.values_list("name", "count", "data")}
    return found


def _grown(run: Run, attempt: int, name: str, tail: Columns | None, new: Columns) -> list[MetricChunk]:
    """The chunks to write so that the curve has the new points too."""
    if tail is not None:
        new = new.part(slice(int(np.searchsorted(new.steps, tail.steps[-1], side="left")), None))
    if len(new) == 0:
        return []
    if tail is not None:
        new = joined([tail.up_to(int(new.steps[0])), new])
    if len(new) < TAIL_POINTS:
        return [_chunk(run, attempt, name, TAIL, new)]
    full = [new.part(slice(cut, min(cut + CHUNK_POINTS, len(new) - 1))) for cut in range(0, len(new) - 1, CHUNK_POINTS)]
    sealed = [_chunk(run, attempt, name, int(part.steps[0]), part) for part in full]
    return [*sealed, _chunk(run, attempt, name, TAIL, new.part(slice(len(new) - 1, None)))]


def _chunk(run: Run, attempt: int, name: str, number: int, points: Columns) -> MetricChunk:
    finite = points.values[np.isfinite(points.values)]
    some = len(finite) > 0
    drawn = sketch(points.values) if number != TAIL else np.empty(0, np.int64)
    return MetricChunk(
        run=run, attempt=attempt, name=name, number=number, count=len(points), data=pack(points),
        sketch_count=len(drawn), sketch=pack(points.part(drawn)) if len(drawn) else b"",
        first_step=int(points.steps[0]), last_step=int(points.steps[-1]),
        low=float(finite.min()) if some else None, high=float(finite.max()) if some else None,
        last=float(finite[-1]) if some else None,
    )
