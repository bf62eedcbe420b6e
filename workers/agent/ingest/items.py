"""What a reader yields, and the bounds that keep one hostile file from taking the worker's memory."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from runs.datasets.shapes.mapping import Fault

ROW_BYTES = 32 * 2**20
DEPTH = 64
COLUMNS = 1000
FAULTS_SHOWN = 20


class RawRow(NamedTuple):
    """One row as the file has it; `line` is where it begins, counted from 1 (in Parquet, the row's number)."""

    line: int
    values: dict[str, Any]


class Notice(NamedTuple):
    """Something left out or read in a way that should be known."""

    line: int
    code: str
    message: str


Item = RawRow | Fault | Notice
Items = Iterator[Item]


class Unreadable(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
