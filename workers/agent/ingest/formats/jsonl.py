"""JSON lines: one object a line. A broken line is a fault, and reading goes on behind it."""

import json
from typing import TYPE_CHECKING

from runs.datasets.shapes.mapping import Fault
from workers.agent.ingest.items import COLUMNS, ROW_BYTES, Item, Items, Notice, RawRow
from workers.agent.ingest.strict_json import BadValue, check_row, constant_column, decode, parse_fault

if TYPE_CHECKING:
    from workers.agent.ingest.bytes_in import ByteSource

BLANK = b" \t\r\n"


def read(source: "ByteSource") -> Items:
    for number, line in source.lines():
        yield read_line(number, line)


def read_line(number: int, line: bytes) -> Item:
    if len(line) > ROW_BYTES:
        return Fault(line=number, message=f"The line is longer than {ROW_BYTES // 2**20} MiB, the limit for one row.")
    if not line.strip(BLANK):
        return Notice(number, "blank_line", "Blank lines were skipped.")
    try:
        text = line.decode("utf-8")
        return row_of(number, decode(text.strip()), escapes="\\u" in text)
    except UnicodeDecodeError as error:
        return not_utf8(number, line, error)
    except json.JSONDecodeError as error:
        indent = len(text) - len(text.lstrip())
        return Fault(line=number, column=error.pos + indent + 1, message=parse_fault(error, error.doc))
    except BadValue as error:
        return Fault(line=number, column=constant_column(text), field=error.field, message=str(error))


def row_of(number: int, value: object, *, escapes: bool = False) -> RawRow | Fault:
    """`escapes` says that the source may hold broken characters. Raises BadValue."""
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
        return Fault(line=number, column=1, message=f"This is {kinds.get(type(value), 'a number')}; each row must be an object.")
    if len(value) > COLUMNS:
        return Fault(line=number, message=f"The row has {len(value)} keys; the limit is {COLUMNS}.")
    if escapes:
        check_row(value)
    return RawRow(number, value)


def not_utf8(number: int, line: bytes, error: UnicodeDecodeError) -> Fault:
    byte = line[error.start]
    column = len(line[: error.start].decode("utf-8", errors="ignore")) + 1
    message = f"Byte {error.start + 1} of the line, 0x{byte:02x}, is not UTF-8. Save the file in UTF-8."
    return Fault(line=number, column=column, message=message)
