"""Every write of a run's log. Whatever is kept gets the run's own numbers, the cursors, in the transaction that keeps it."""

import time
from collections.abc import Sequence

import zstandard
from django.db import transaction
from django.db.models import F

from runs.launches.models import Run
from runs.launches.services import observe
from runs.launches.services.transition import locked
from runs.leases import Fenced
from runs.telemetry.curves import append_points, points_by_name
from runs.telemetry.hints import hint_after_commit
from runs.telemetry.lines import read_lines, wire_json
from runs.telemetry.models import AttemptLog, EventChunk
from runs.telemetry.records import keep_records
from workers.contract.events import EVENT, Event, EventBase

__all__ = ["Fenced", "append", "ingest"]


def ingest(run_id: str, attempt: int, lines: Sequence[bytes | Event]) -> int:
    """Keeps what an attempt shipped, in order; answers the run's last cursor.

    Lines whose number the attempt has shipped before are ignored, lines that cannot be read become log events.
    Raises Fenced when the attempt no longer holds the run; then nothing is kept.
    """
    events = read_lines(lines)
    with transaction.atomic():
        run = _held(run_id, attempt)
        log, _ = AttemptLog.objects.get_or_create(run=run, attempt=attempt)
        events = _unseen(events, log.last_seq)
        if not events:
            return run.cursor
        _note(log, events)
        _keep(run, attempt, events)
        observe(run, attempt, list[EventBase](events))
        return Run.objects.values_list("cursor", flat=True).get(id=run_id)


@transaction.atomic(savepoint=False)
def append(run: Run, event: EventBase) -> None:
    """Adds what the server itself has to say to the run's log, within the caller's transaction if there is one."""
    event = event.model_copy(update={"seq": 0, "time": event.time or time.time()})
    _keep(run, run.attempt, [EVENT.validate_python(event)])


def _held(run_id: str, attempt: int) -> Run:
    """The run's row, locked. Raises Fenced."""
    try:
        return locked(run_id, attempt)
    except Run.DoesNotExist:
        raise Fenced(f"There is no run {run_id} any more.") from None


def _unseen(events: Sequence[Event], last_seq: int) -> list[Event]:
    """The events not kept yet, numbers rising; those without a number are always new."""
    unseen = []
    for event in events:
        if event.seq == 0 or event.seq > last_seq:
            unseen.append(event)
            last_seq = max(last_seq, event.seq)
    return unseen


def _note(log: AttemptLog, events: Sequence[Event]) -> None:
    """How far the attempt has come, and where its curves begin: there they replace those of the attempts before.

    Only what the engine numbered counts: its supervisor measures the machine before the engine has found its step.
    """
    steps = [step for rows in points_by_name(event for event in events if event.seq).values() for step, *_ in rows]
    log.first_step = min([*steps, *([] if log.first_step is None else [log.first_step])], default=None)
    log.last_seq = max(log.last_seq, *(event.seq for event in events))
    log.save(update_fields=["last_seq", "first_step"])


def _keep(run: Run, attempt: int, events: Sequence[Event]) -> None:
    """Numbers and stores the events under the run's row lock, so that cursors have no gaps and commit in order (D7)."""
    Run.objects.filter(id=run.id).update(cursor=F("cursor") + len(events))
    last = Run.objects.values_list("cursor", flat=True).get(id=run.id)
    first = last - len(events) + 1
    numbers = [event.seq for event in events if event.seq]
    lines = [wire_json(event) for event in events]
    EventChunk.objects.create(
        run=run,
        attempt=attempt,
        first_cursor=first,
        last_cursor=last,
        first_seq=min(numbers, default=0),
        last_seq=max(numbers, default=0),
        types=f",{','.join(sorted({event.type for event in events}))},",
        data=zstandard.ZstdCompressor(level=3).compress(b"\n".join(lines)),
    )
    append_points(run, attempt, points_by_name(events))
    keep_records(run, attempt, first, events)
    hint_after_commit(run, attempt, first, lines)
