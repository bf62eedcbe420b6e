"""The first rows of a file, as detection sees them."""

from collections.abc import Callable
from typing import Any


class Sample:
    """`columns` in the order in which they first appear over `rows`."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.columns = list(dict.fromkeys(name for row in rows for name in row))

    def has(self, *names: str) -> bool:
        return all(name in self.columns for name in names)

    def first_of(self, names: tuple[str, ...]) -> str | None:
        """The first of `names` that is a column, in the order given, upper and lower case alike."""
        by_lower = {column.lower(): column for column in reversed(self.columns)}
        return next((by_lower[name] for name in names if name in by_lower), None)

    def values(self, column: str) -> list[Any]:
        """The column's values, nulls left out."""
        return [row[column] for row in self.rows if row.get(column) is not None]

    def every(self, column: str, claim: Callable[[Any], bool]) -> bool:
        """Whether the column has values and the claim holds for most: a broken row must not hide the shape."""
        values = self.values(column)
        return bool(values) and sum(map(claim, values)) >= 0.8 * len(values)
