"""A judgment that was acknowledged is on disk: its commit waits for the disk, where SQLite's commits here do not (D14)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def durable_commit() -> Iterator[None]:
    """Around a transaction. Inside another, where SQLite's setting cannot change, the outer one decides."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    _synchronous("FULL")
    try:
        yield
    finally:
        _synchronous("NORMAL")


def _synchronous(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous={level}")
