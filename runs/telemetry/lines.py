"""Turns what an attempt shipped into events. Nothing that stands in a line can stop the shipping.

A line that cannot be read becomes a log event under the number it must have had, so that a second delivery is known
as one. The engine numbers its lines without gaps, hence a bad line's number follows from its neighbours'.
"""

import re
import time
from collections.abc import Sequence

import orjson
from pydantic import ValidationError

from workers.contract.events import EVENT, Event, EventBase, LogEvent

MAX_LINE_BYTES = 4 * 1024 * 1024
SEQ = re.compile(rb'(?<!\\)"seq"\s*:\s*(\d{1,18})')
HEAD_BYTES = 4096
SHOWN = 200


def read_lines(lines: Sequence[bytes | Event]) -> list[Event]:
    """One event a line, in order; blank lines are skipped. An unreadable line nobody can number has `seq` 0."""
    return _numbered([_read(line) for line in lines if not isinstance(line, bytes) or line.strip()])


class _Unread(LogEvent):
    """Stands for a line that could not be read, until its number is known."""


def _read(given: bytes | Event) -> Event:
    line = given if isinstance(given, bytes) else wire_json(given)
    if len(line) > MAX_LINE_BYTES:
        limit = MAX_LINE_BYTES // 2**20
        return _unread(line, f"it has {len(line) / 2**20:.1f} MiB and the limit is {limit} MiB. Write fewer or shorter rollouts")
    try:
        return _finite(EVENT.validate_json(line) if isinstance(given, bytes) else given, line)
    except ValidationError as error:
        return _unread(line, _reason(error))


def _finite(event: Event, line: bytes) -> Event:
    """The event with None for every number that is not finite: JSON has no word for those, and neither have databases."""
    if b"NaN" in line or b"Infinity" in line or b"null" in line:
        return EVENT.validate_json(wire_json(event))  # type: ignore[no-any-return]
    return event


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _unread(line: bytes, reason: str) -> _Unread:
    found = SEQ.search(line[:HEAD_BYTES])
    shown = line[:SHOWN].decode("utf-8", "replace")
    message = f"An event could not be read and was left out: {reason}. It begins: {shown}"
    return _Unread(seq=int(found[1]) if found else 0, time=time.time(), level="warning", message=message)


def _numbered(events: list[Event]) -> list[Event]:
    for forward in (True, False):
        order = range(1, len(events)) if forward else range(len(events) - 2, -1, -1)
        shift = 1 if forward else -1
        for index in order:
            event, neighbour = events[index], events[index - shift]
            if isinstance(event, _Unread) and event.seq == 0 and neighbour.seq + shift > 0 and neighbour.seq > 0:
                event.seq = neighbour.seq + shift
    return [LogEvent.model_validate(event.model_dump()) if isinstance(event, _Unread) else event for event in events]


def wire_json(event: EventBase) -> bytes:
    """The event as one JSON line; numbers that are not finite are null."""
    return event.model_dump_json().encode()


def slim(line: bytes) -> bytes:
    """The event without the token arrays of a rollout, which are most of its size; readers fetch them one by one."""
    if b'"type":"rollout"' not in line:
        return line
    event = orjson.loads(line)
    for answer in event.get("answers", []):
        answer.pop("tokens", None)
    return orjson.dumps(event)


def item_json(cursor: int, attempt: int, event: bytes) -> bytes:
    """One numbered event as REST and sockets give it; `event` is its JSON."""
    return b'{"cursor":%d,"attempt":%d,"event":%b}' % (cursor, attempt, event)
