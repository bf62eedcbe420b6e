"""Reads an attempt's events.jsonl as it grows, whole lines only, from where the last acknowledged batch ended."""

from pathlib import Path

from pydantic import ValidationError

from workers.contract.events import EVENT, Event, LogEvent

BATCH_BYTES = 1_000_000


class EventTail:
    """`read` gives a batch; `acknowledge` moves on. What was not acknowledged is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._next_offset = 0
        self._lines = 0
        self._next_lines = 0

    def read(self) -> list[Event]:
        """Whole lines after the last acknowledged one, at most about a megabyte of them."""
        data = self._new_bytes()
        end = data.rfind(b"\n") + 1
        lines = data[:end].splitlines()
        self._next_offset, self._next_lines = self._offset + end, self._lines + len(lines)
        return [self._parse(line, self._lines + index) for index, line in enumerate(lines, start=1)]

    def acknowledge(self) -> None:
        self._offset, self._lines = self._next_offset, self._next_lines

    def _new_bytes(self) -> bytes:
        try:
            if self._path.stat().st_size <= self._offset:
                return b""
        except FileNotFoundError:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(BATCH_BYTES)
            # One line longer than a batch (a large rollout) is read to its end.
            return data if b"\n" in data or len(data) < BATCH_BYTES else data + file.readline()

    @staticmethod
    def _parse(line: bytes, number: int) -> Event:
        try:
            event: Event = EVENT.validate_json(line)
        except ValidationError as error:
            fault = error.errors()[0]["msg"]
            return LogEvent(seq=number, level="warning", message=f"Line {number} of the engine's events cannot be read: {fault}")
        return event
