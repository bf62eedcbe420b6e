"""The attempt's event log: one JSON line an event, appended and flushed; that file is the truth of the attempt."""

import os
import threading
import time
from pathlib import Path

from workers.contract.events import EventBase, LogEvent, StatusEvent
from workers.engine.faults import naming_full_disk


class EventLog:
    """Numbers events from 1 without gaps. A file that is there is continued after its last whole line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._seq = _mend(path)
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def write(self, event: EventBase) -> None:
        """Appends one event with the next number and the present time; a reader sees it when this returns.

        Raises DiskFault when the disk has no room for all of it; then nothing of it stands.
        """
        with self._lock, naming_full_disk():
            event.seq, event.time = self._seq + 1, time.time()
            line = event.model_dump_json().encode() + b"\n"
            begin = os.fstat(self._file.fileno()).st_size
            try:
                self._append(line)
            except OSError:
                os.ftruncate(self._file.fileno(), begin)
                raise
            self._seq += 1

    def _append(self, line: bytes) -> None:
        """All of it: a disk that is nearly full takes a part and says so only by the number of bytes."""
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def say(self, state: str, doing: str) -> None:
        """What the engine is doing now, in a few words a person reads."""
        self.write(StatusEvent(state=state, doing=doing))  # type: ignore[arg-type]

    def log(self, message: str, level: str = "info") -> None:
        self.write(LogEvent(level=level, message=message))  # type: ignore[arg-type]

    def close(self) -> None:
        """Makes the log durable and lets go of it."""
        os.fsync(self._file.fileno())
        self._file.close()


class Silence(EventLog):
    """The log of a process that is not the run's first: what happens there, the first one tells."""

    def __init__(self) -> None:
        """Opens nothing."""

    def write(self, event: EventBase) -> None:
        """Tells nobody."""

    def close(self) -> None:
        """Nothing is held."""


def _mend(path: Path) -> int:
    """Cuts a torn last line off and answers how many lines stand."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return whole.count(b"\n")
