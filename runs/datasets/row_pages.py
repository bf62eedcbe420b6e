"""Any row of a split without reading the file: seek by the sparse index, then walk at most one stride."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from workers.contract.records import INDEX_STRIDE

SEARCH_BYTES = 32 * 2**20
"""How far one request searches before it answers with what it found and where to go on."""


def read_rows(directory: Path, split: str, *, total: int, offset: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """Rows `offset` to `offset + limit` as `{index, record}`, and the offset of the next page or None."""
    items: list[dict[str, Any]] = []
    with _open(directory, split) as file:
        for index, line in _lines_from(file, directory, split, offset, total):
            if len(items) == limit:
                return items, index
            items.append({"index": index, "record": json.loads(line)})
    return items, None


def search_rows(
    directory: Path, split: str, *, total: int, offset: int, limit: int, q: str
) -> tuple[list[dict[str, Any]], int | None]:
    """Rows from `offset` on whose text holds `q`, upper and lower case alike; ends early after SEARCH_BYTES."""
    needle = json.dumps(q, ensure_ascii=False)[1:-1].lower()
    items: list[dict[str, Any]] = []
    seen = 0
    with _open(directory, split) as file:
        for index, line in _lines_from(file, directory, split, offset, total):
            if len(items) == limit or seen > SEARCH_BYTES:
                return items, index
            seen += len(line)
            if needle in line.decode("utf-8").lower():
                items.append({"index": index, "record": json.loads(line)})
    return items, None


def _open(directory: Path, split: str) -> BinaryIO:
    return (directory / f"{split}.jsonl").open("rb")


def _lines_from(file: BinaryIO, directory: Path, split: str, offset: int, total: int) -> Iterator[tuple[int, bytes]]:
    if offset >= total:
        return
    with (directory / f"{split}.index").open("rb") as index:
        index.seek(8 * (offset // INDEX_STRIDE))
        file.seek(struct.unpack("<Q", index.read(8))[0])
    for _ in range(offset % INDEX_STRIDE):
        file.readline()
    for row in range(offset, total):
        yield row, file.readline()
