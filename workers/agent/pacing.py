"""Chores of a loop, each at its own pace and none lost to a database that is away for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import Error, connection

log = structlog.get_logger(__name__)
T = TypeVar("T")
RETRY_SECONDS = 0.5
PATIENCE_SECONDS = 900.0
"""After so long without a database an executor leaves; the run's lease has passed by then and another goes on."""


SHARE = 20


class Chore:
    """Does `work` every `seconds`; with `calm_seconds`, up to that, it rests twenty times as long as the work took.

    A failing database delays the work; it is done again, not skipped.
    """

    def __init__(self, seconds: float, work: Callable[[], object], *, calm_seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._calm_seconds = calm_seconds
        self._work = work
        self._due = 0.0

    def do_when_due(self) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        try:
            self._work()
            rest = min(self._calm_seconds, SHARE * (time.monotonic() - now))
            self._due = now + max(self._seconds, rest)
        except Error as error:
            log.warning("database_away", error=str(error))
            connection.close()
            self._due = now + max(self._seconds, RETRY_SECONDS)


class Deadline:
    """A span that begins when something first holds. `begins` is True once, `passed` when the span is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: float | None = None

    def begins(self, holds: bool) -> bool:
        if not holds or self._began is not None:
            return False
        self._began = time.monotonic()
        return True

    def passed(self) -> bool:
        return self._began is not None and time.monotonic() - self._began > self._seconds


def until_it_holds(work: Callable[[], T]) -> T:
    """Does `work` again until the database takes it. Raises the database's error when that stays away for too long."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except Error as error:
            if time.monotonic() > give_up:
                raise
            log.warning("database_away", error=str(error))
            connection.close()
            time.sleep(RETRY_SECONDS)
