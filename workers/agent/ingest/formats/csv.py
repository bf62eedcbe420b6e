"""Tables as text: the first line names the columns; comma, semicolon, tab or bar between fields; quotes doubled inside."""

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runs.datasets.shapes.mapping import Fault
from workers.agent.ingest.formats.jsonl import not_utf8
from workers.agent.ingest.items import COLUMNS, ROW_BYTES, Item, Items, Notice, RawRow

if TYPE_CHECKING:
    from workers.agent.ingest.bytes_in import ByteSource

DELIMITERS = (",", "\t", ";", "|")
REASONS = (
    ("unexpected end of data", "A quote is opened in this row and never closed."),
    ("expected after", "A quote stands inside a quoted field. Write it twice."),
    ("new-line character", "A bare carriage return stands in this row. End lines with a line feed."),
    ("field limit", f"A field is longer than {ROW_BYTES // 2**20} MiB; perhaps a quote is never closed."),
)


class Lines:
    """Decoded lines for the parser. Bytes that are not UTF-8 become a fault here, since the parser takes text only."""

    def __init__(self, source: "ByteSource") -> None:
        self._source = source
        self.faults: list[Fault] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._source.lines():
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                self.faults.append(not_utf8(number, line, error))
                yield line.decode("utf-8", errors="replace")


def read(source: "ByteSource") -> Items:
    csv.field_size_limit(ROW_BYTES)
    lines = Lines(source)
    texts = iter(lines)
    first = next(texts, "")
    parser = csv.reader(_chain(first, texts), delimiter=_delimiter(first), strict=True)
    header: list[str] | None = None
    while True:
        line = parser.line_num + 1
        try:
            fields = next(parser)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _drain(lines)
            yield Fault(line=line, message=_reason(str(error)))
            continue
        broken = list(_drain(lines))
        if broken:
            yield from broken
        elif header is None:
            header, found = _header(fields)
            yield from found
            if any(isinstance(item, Fault) for item in found):
                return
        else:
            yield _row(line, header, fields)


def _header(fields: list[str]) -> tuple[list[str], list[Item]]:
    """Names without the space around them; an unnamed column is named by its place."""
    names = [field.strip() or f"column_{place}" for place, field in enumerate(fields, start=1)]
    found: list[Item] = []
    if len(names) > COLUMNS:
        found.append(Fault(line=1, message=f"The file has {len(names)} columns; the limit is {COLUMNS}."))
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        found.append(Fault(line=1, field=name, message=f"Two columns are named `{name}`. Rename one."))
    for name, field in zip(names, fields, strict=True):
        if not field.strip():
            found.append(Notice(1, "unnamed_column", f"A column without a name was read as `{name}`."))
    return names, found[:20]


def _row(line: int, header: list[str], fields: list[str]) -> Item:
    if not fields or (len(fields) == 1 and len(header) > 1 and not fields[0].strip()):
        return Notice(line, "blank_line", "Blank lines were skipped.")
    if len(fields) != len(header):
        has, names = _counted(len(fields), "field"), _counted(len(header), "column")
        return Fault(line=line, message=f"The row has {has}; the first line names {names}.")
    return RawRow(line, dict(zip(header, fields, strict=True)))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _delimiter(first: str) -> str:
    """The separator that stands most often in the first line outside quotes."""
    outside = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _reason(message: str) -> str:
    return next((reason for part, reason in REASONS if part in message), f"This row cannot be read as CSV: {message}.")


def _drain(lines: Lines) -> Iterator[Fault]:
    while lines.faults:
        yield lines.faults.pop(0)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
