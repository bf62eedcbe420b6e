"""Rows of a data-set version on disk: any row is read through the split's index without reading the file."""

from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from workers.contract.records import INDEX_STRIDE, Record
from workers.contract.run_spec import DatasetRef
from workers.engine.faults import DataFault


class Rows:
    """The canonical rows of one split, at most `limit` of them. Raises DataFault when the split is not there."""

    def __init__(self, ref: DatasetRef) -> None:
        self.path = Path(ref.path) / f"{ref.split}.jsonl"
        if not self.path.is_file():
            raise DataFault(f"The data set has no split {ref.split!r} at {ref.path}.", "Choose a split that the version has.")
        self._offsets = _offsets(self.path)
        self.count = sum(1 for _ in self.path.open("rb"))
        if ref.limit is not None:
            self.count = min(self.count, ref.limit)
        if self.count == 0:
            raise DataFault(f"The split {ref.split!r} has no rows.", "Choose a split with rows, or raise the limit.")

    def __getitem__(self, row: int) -> Record:
        """Raises DataFault that names the line when the row cannot be read."""
        with self.path.open("rb") as file:
            file.seek(self._offsets[row // INDEX_STRIDE])
            line = next(islice(file, row % INDEX_STRIDE, None))
        return _record(line, row)

    def __iter__(self) -> Iterator[Record]:
        with self.path.open("rb") as file:
            for row, line in enumerate(islice(file, self.count)):
                yield _record(line, row)


def _record(line: bytes, row: int) -> Record:
    try:
        return Record.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DataFault(f"Row {row + 1} cannot be read: {field}: {first['msg']}.", "Ingest the data set again.") from error


def _offsets(path: Path) -> "array[int]":
    """The split's index file, or the same offsets found by reading once when the file is missing or of another length."""
    index = path.with_suffix(".index")
    offsets = array("Q")
    if index.is_file() and index.stat().st_size % 8 == 0:
        offsets.frombytes(index.read_bytes())
        if offsets and offsets[-1] == path.stat().st_size:
            return offsets
    offsets = array("Q")
    position = 0
    with path.open("rb") as file:
        for row, line in enumerate(file):
            if row % INDEX_STRIDE == 0:
                offsets.append(position)
            position += len(line)
    offsets.append(position)
    return offsets
