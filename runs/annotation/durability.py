"""A judgment that was acknowledged is on disk: its commit waits for the disk, where SQLite's commits here do not (D14)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_turn = threading.Lock()
"""One such transaction at a time in this process. A thread that waits here goes on at once, where SQLite lets it look again
after pauses that grow to a tenth of a second; what other processes write, SQLite itself puts in order as ever."""


@contextmanager
def durable_commit() -> Iterator[None]:
    """Around a transaction. Inside another, where SQLite's setting cannot change, the outer one decides."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with _turn:
        _synchronous("FULL")
        try:
            yield
        finally:
            _synchronous("NORMAL")


def _synchronous(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous={level}")
