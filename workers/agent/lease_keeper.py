"""Keeps a lease: renews every third of it, and gives up before it can pass to another (D4).

Runs in a thread of its own, so that a slow database in the main loop neither hides nor causes a lost lease.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import Error, connection

log = structlog.get_logger(__name__)


class LeaseKeeper:
    """`renew` answers False when the lease is another's; `on_lost` then runs once, in the keeper's thread."""

    def __init__(self, *, renew: Callable[[], bool], lease_seconds: float, on_lost: Callable[[str], None]) -> None:
        self._renew = renew
        self._lease = lease_seconds
        self._on_lost = on_lost
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._held_at = time.monotonic()
        self.lost = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join(timeout=self._lease)

    def _run(self) -> None:
        wait = 0.0
        while not self._done.wait(wait):
            wait = self._lease / 3 if self._renewed() else self._lease / 30
            if time.monotonic() - self._held_at > self._lease * 2 / 3 and not self.lost:
                self.lost = "The lease could not be renewed in time."
            if self.lost:
                self._on_lost(self.lost)
                return

    def _renewed(self) -> bool:
        """One try. An error of the database is a failure to renew, never passed over."""
        asked_at = time.monotonic()
        try:
            if self._renew():
                self._held_at = asked_at
                return True
            self.lost = "The lease has passed to another attempt."
        except Error as error:
            log.warning("lease_not_renewed", error=str(error))
            connection.close()
        return False
