"""Ships what the engine writes, in order and once, and what the supervisor has to say beside it."""

import time
from pathlib import Path

from runs.telemetry.services import ingest
from workers.agent.event_tail import EventTail
from workers.contract.events import DoneEvent, Event, FailedEvent, LogEvent, MetricsEvent


class Reporter:
    """`step` is the newest step this attempt measured, None before; `ended` is True once it said done or failed."""

    def __init__(self, run_id: str, attempt: int, events_path: Path) -> None:
        self._run_id = run_id
        self._attempt = attempt
        self._tail = EventTail(events_path)
        self.step: int | None = None
        self._measured: int | None = None
        self.ended = False

    def ship(self) -> int:
        """Ships one batch: how many events it had. What fails to arrive is read and sent again. Raises Fenced."""
        events = self._tail.read()
        if events:
            ingest(self._run_id, self._attempt, events)
            self._tail.acknowledge()
            self._note(events)
        return len(events)

    def say(self, level: str, message: str) -> None:
        """A line of the run's log from the supervisor itself. Raises Fenced."""
        ingest(self._run_id, self._attempt, [LogEvent.model_validate({"level": level, "message": message, "time": time.time()})])

    def measure(self, values: dict[str, float | None]) -> None:
        """System metrics at the step of now, once a step, since a curve has one point a step. Raises Fenced."""
        if self.step is None or self.step == self._measured:
            return
        self._measured = self.step
        ingest(self._run_id, self._attempt, [MetricsEvent(step=self.step, values=values, time=time.time())])

    def _note(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, MetricsEvent):
                self.step = event.step
            elif isinstance(event, DoneEvent | FailedEvent):
                self.ended = True
