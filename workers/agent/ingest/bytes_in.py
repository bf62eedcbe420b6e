"""A file whatever its compression: its format by content, its bytes, and how far reading has come."""

import gzip
import json
import zlib
from collections.abc import Iterator
from importlib import import_module
from io import BufferedIOBase, BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any

from runs.datasets.shapes.mapping import Fault
from runs.sizes import size_words
from workers.agent.ingest.disk_room import need_room
from workers.agent.ingest.items import ROW_BYTES, Items, RawRow, Unreadable

HEAD_BYTES = 2**16
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
FOREIGN = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF"),
    (b"<!DOCTYPE", "a web page, not the file behind it"),
    (b"<!doctype", "a web page, not the file behind it"),
    (b"<html", "a web page, not the file behind it"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file behind it"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x02", "a Python pickle"),
)
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)


INFLATION = 200
"""Rows that people write shrink 3 to 30 times; what shrinks more than this was made to fill a disk."""
INFLATION_FREE_BYTES = 256 * 2**20
BLOCK = 2**20


class Inflated(RawIOBase):
    """The bytes inside a gzip file, as far as they are in proportion to it. Reading raises Unreadable beyond that."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._zip = gzip.GzipFile(fileobj=file)
        self._most = max(INFLATION_FREE_BYTES, INFLATION * size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._zip.tell() > self._most:
            message = f"The gzip file holds more than {size_words(self._most)}, over {INFLATION} times its own size."
            raise Unreadable(message, "Send the rows without compression, or in several files.")
        return self._zip.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._zip.seek(offset, whence)

    def close(self) -> None:
        self._zip.close()
        super().close()


class ByteSource:
    """One file on its way through a reader. `fraction` is how much of the file as sent has been read."""

    def __init__(self, path: Path, work_dir: Path) -> None:
        self.path = path
        self.work_dir = work_dir
        self.size = path.stat().st_size
        self._raw = path.open("rb")
        self.compression = "gzip" if self._raw.read(2) == GZIP else "none"
        self._raw.seek(0)
        zipped = self.compression == "gzip"
        self.stream: BufferedIOBase = BufferedReader(Inflated(self._raw, self.size), BLOCK) if zipped else self._raw
        self.format = format_of(self._head())
        self.rows_total: int | None = None
        self.rows_done = 0

    def fraction(self) -> float:
        if self.rows_total is not None:
            return self.rows_done / max(self.rows_total, 1)
        return self._raw.tell() / max(self.size, 1)

    def items(self) -> Items:
        """Every row, fault and notice of the file; a file broken in the middle ends in a fault that says where."""
        line = 0
        try:
            for item in import_module(f"workers.agent.ingest.formats.{self.format}").read(self):
                line = item.line or line
                self.rows_done += isinstance(item, RawRow)
                yield item
        except BROKEN as error:
            message = f"The gzip data ends early or is broken behind this line ({error}). Send the file again."
            yield Fault(line=line or None, message=message)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Numbered lines with their ends; the last is cut at ROW_BYTES + 1 bytes when it is longer."""
        number = 0
        while line := self.stream.readline(ROW_BYTES + 1):
            number += 1
            yield number, line.removeprefix(BOM) if number == 1 else line
            if len(line) > ROW_BYTES:
                return

    def plain_path(self) -> Path:
        """A file that can be read from any place: the upload itself, or its decompressed copy."""
        if self.compression == "none":
            return self.path
        copy = self.work_dir / "plain"
        with copy.open("wb") as file:
            while block := self.stream.read(BLOCK):
                need_room(self.work_dir)
                file.write(block)
        return copy

    def close(self) -> None:
        self.stream.close()
        self._raw.close()

    def __enter__(self) -> "ByteSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _head(self) -> bytes:
        """The first bytes; the stream stands at its start again."""
        try:
            head = self.stream.read(HEAD_BYTES)
        except BROKEN as error:
            message = f"The gzip data ends early or is broken ({error})."
            raise Unreadable(message, "Compress the file again and send it.") from error
        self.stream.seek(0)
        return head


def format_of(head: bytes) -> str:
    """jsonl, json, csv or parquet. Raises Unreadable for anything else, saying what it is."""
    if head.startswith(b"PAR1"):
        return "parquet"
    for magic, words in FOREIGN:
        if head.startswith(magic):
            raise Unreadable(f"The file is {words}.", "Send JSONL, JSON, CSV or Parquet in UTF-8, plain or as gzip.")
    text = head.removeprefix(BOM).lstrip()
    if not text:
        raise Unreadable("The file is empty.", "Send a file with rows.")
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return "json" if _spans_lines(text) else "jsonl"
    if b"\0" in head:
        raise Unreadable("The file is binary.", "Send JSONL, JSON, CSV or Parquet in UTF-8, plain or as gzip.")
    return "csv"


def _spans_lines(text: bytes) -> bool:
    """Whether the first object reaches over line ends, as in pretty-printed JSON."""
    first = text.split(b"\n", 1)[0].strip()
    if first == b"{":
        return True
    readable = text.decode("utf-8", errors="ignore")
    try:
        _, end = json.JSONDecoder().raw_decode(readable)
    except (ValueError, RecursionError):
        return False
    return "\n" in readable[:end]


def rows_only(items: Items) -> Iterator[dict[str, Any]]:
    return (item.values for item in items if isinstance(item, RawRow))
