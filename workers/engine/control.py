"""Control messages: a thread reads standard input, the loop takes what has come at a step boundary."""

import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from pydantic import ValidationError

from workers.contract.control import CONTROL
from workers.contract.document import Document


class Inbox:
    """Messages in the order they came. `leave` turns True when a signal or a lost supervisor says to go.

    `answer` tells a word of a chat (see `contract.chat`) to whoever asked.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.leave = ""
        self.answer: Callable[[Document], None] = lambda word: None

    def put(self, message: Any) -> None:
        self._queue.put(message)

    def go(self, cause: str) -> None:
        """Asks the loop to checkpoint and leave; wakes it when it waits."""
        self.leave = self.leave or cause
        self._queue.put(None)

    def drain(self) -> list[Any]:
        """What has come, without waiting."""
        found = []
        while not self._queue.empty():
            found.append(self._queue.get())
        return [message for message in found if message is not None]

    def wait(self, seconds: float | None = None) -> list[Any]:
        """Waits until something comes, at most `seconds`."""
        try:
            first = self._queue.get(timeout=seconds)
        except queue.Empty:
            return []
        return ([first] if first is not None else []) + self.drain()


def read(stream: IO[str], inbox: Inbox, *, supervised: bool, complain: Callable[[str], None]) -> None:
    """Reads lines until the stream ends; a line that is no control message is complained about and skipped.

    The end of the stream means nothing to an engine started by hand; a supervised one has lost its supervisor.
    """
    for line in stream:
        if not line.strip():
            continue
        try:
            inbox.put(CONTROL.validate_json(line))
        except ValidationError as error:
            complain(f"A control line was refused: {error.errors()[0]['msg']}.")
    if supervised:
        inbox.go("its supervisor is gone")


def listen(inbox: Inbox, *, supervised: bool, complain: Callable[[str], None]) -> None:
    """Starts the reading thread and turns SIGTERM into a request to leave."""
    signal.signal(signal.SIGTERM, lambda *_: inbox.go("SIGTERM"))
    threading.Thread(
        target=read, args=(sys.stdin, inbox), kwargs={"supervised": supervised, "complain": complain}, daemon=True,
    ).start()
