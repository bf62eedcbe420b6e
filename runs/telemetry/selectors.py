"""Reads of a run's log: events after a cursor, log lines, rollouts. See `series` for the curves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard
from django.db.models import Q, QuerySet

from runs.launches.models import Run
from runs.paging import paginate
from runs.problems import NotFound
from runs.telemetry.lines import item_json, slim
from runs.telemetry.models import AttemptLog, EventChunk, Level, LogLine, Rollout

MAX_READ_BYTES = 4 * 1024 * 1024
"""A read of the log stops at about this many bytes of events, so that one answer never holds a whole run."""


@dataclass(frozen=True, slots=True)
class Read:
    """Numbered events as JSON, cursors rising. `last` is the cursor up to which the log was looked through."""

    items: list[bytes]
    last: int


def last_seq(run_id: str, attempt: int) -> int:
    """The highest engine number kept of an attempt: its shipper goes on after it. 0 when nothing is kept yet."""
    return AttemptLog.objects.filter(run_id=run_id, attempt=attempt).values_list("last_seq", flat=True).first() or 0


def head(run_id: str) -> tuple[int, str]:
    """The run's last cursor and the epoch its cursors belong to. Raises NotFound."""
    found = Run.objects.filter(id=run_id).values_list("cursor", "epoch").first()
    if found is None:
        raise NotFound
    return found


def events_after(run_id: str, after: int, *, limit: int, types: Sequence[str] = ()) -> Read:
    """Up to `limit` events after the cursor, rollouts without token arrays, optionally of some types only."""
    items: list[bytes] = []
    size, last = 0, after
    for chunk in _chunks(run_id, after, types).iterator(chunk_size=50):
        for cursor, line in _lines(chunk):
            if cursor <= after or (types and orjson.loads(line)["type"] not in types):
                continue
            if len(items) == limit or size > MAX_READ_BYTES:
                return Read(items, last)
            items.append(item_json(cursor, chunk.attempt, slim(line)))
            size, last = size + len(items[-1]), cursor
        last = chunk.last_cursor
    return Read(items, last)


def event_at(run_id: str, cursor: int) -> dict[str, Any]:
    """One event, whole. Raises NotFound."""
    chunk = EventChunk.objects.filter(run_id=run_id, first_cursor__lte=cursor, last_cursor__gte=cursor).first()
    if chunk is None:
        raise NotFound
    return {"cursor": cursor, "attempt": chunk.attempt, "event": orjson.loads(dict(_lines(chunk))[cursor])}


def _chunks(run_id: str, after: int, types: Sequence[str]) -> QuerySet[EventChunk]:
    chunks = EventChunk.objects.filter(run_id=run_id, last_cursor__gt=after).order_by("last_cursor")
    wanted = Q()
    for name in types:
        wanted |= Q(types__contains=f",{name},")
    return chunks.filter(wanted)


def _lines(chunk: EventChunk) -> Iterator[tuple[int, bytes]]:
    return enumerate(zstandard.ZstdDecompressor().decompress(bytes(chunk.data)).split(b"\n"), chunk.first_cursor)


def log_page(run_id: str, *, after: int | None, before: int | None, level: str, q: str, limit: int) -> dict[str, Any]:
    """Log lines in order: those after a cursor, those before one, or the newest when neither is given."""
    lines = LogLine.objects.filter(run_id=run_id, level__gte=Level[level.upper()])
    if q:
        lines = lines.filter(message__icontains=q)
    if after is not None:
        found = list(lines.filter(cursor__gt=after).order_by("cursor")[: limit + 1])
        items = found[:limit]
        return {"items": items, "older": after > 0, "newer": len(found) > limit}
    until = lines.filter(cursor__lt=before) if before is not None else lines
    found = list(until.order_by("-cursor")[: limit + 1])
    return {"items": found[:limit][::-1], "older": len(found) > limit, "newer": before is not None}


SORTS = {"newest": ("-cursor",), "reward": ("reward", "cursor"), "-reward": ("-reward", "cursor")}


def rollout_page(
    run_id: str, *, step_from: int | None, step_to: int | None, q: str, sort: str, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Rollouts without token arrays; `q` looks in prompt, reference and answers."""
    rows = Rollout.objects.filter(run_id=run_id)
    if step_from is not None:
        rows = rows.filter(step__gte=step_from)
    if step_to is not None:
        rows = rows.filter(step__lte=step_to)
    if q:
        rows = rows.filter(body__icontains=orjson.dumps(q).decode()[1:-1])
    items, following = paginate(rows, cursor, limit, order=SORTS[sort])
    return {"items": list(map(rollout_json, items)), "next": following}


def rollout_json(row: Rollout) -> dict[str, Any]:
    body = orjson.loads(row.body)
    keep = {key: body.get(key) for key in ("step", "time", "row", "prompt", "reference_answer", "answers")}
    return {"cursor": row.cursor, "attempt": row.attempt, "reward": row.reward, **keep}


def rollout_at(run_id: str, cursor: int) -> dict[str, Any]:
    """One rollout with its token arrays. Raises NotFound."""
    row = Rollout.objects.filter(run_id=run_id, cursor=cursor).first()
    if row is None:
        raise NotFound
    return {**rollout_json(row), "answers": event_at(run_id, cursor)["event"]["answers"]}


def has_rollouts(run_id: str, *, step: int | None = None) -> bool:
    """Whether the run keeps rollouts, at `step` where one is given."""
    return _rollouts_at(run_id, step).exists()


def whole_rollouts(run_id: str, *, step: int | None, limit: int) -> list[dict[str, Any]]:
    """At most `limit` rollouts with their token arrays, of one step or spread evenly over all, in their order."""
    cursors = list(_rollouts_at(run_id, step).order_by("cursor").values_list("cursor", flat=True))
    picked = {cursors[index * len(cursors) // limit] for index in range(limit)} if len(cursors) > limit else set(cursors)
    chunks = EventChunk.objects.filter(run_id=run_id, types__contains=",rollout,").order_by("first_cursor")
    if picked:
        chunks = chunks.filter(last_cursor__gte=min(picked), first_cursor__lte=max(picked))
    found = [(cursor, line) for chunk in chunks.iterator(chunk_size=20)
             if not picked.isdisjoint(range(chunk.first_cursor, chunk.last_cursor + 1))
             for cursor, line in _lines(chunk) if cursor in picked]
    return [{"cursor": cursor, "row": None, "reference_answer": None, **orjson.loads(line)} for cursor, line in found]


def _rollouts_at(run_id: str, step: int | None) -> QuerySet[Rollout]:
    rows = Rollout.objects.filter(run_id=run_id)
    return rows if step is None else rows.filter(step=step)
