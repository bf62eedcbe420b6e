"""Parquet, a batch of rows at a time. Columns of bytes are left out and named; dates and decimals become text."""

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from runs.datasets.shapes.mapping import Fault
from workers.agent.ingest.formats.jsonl import row_of
from workers.agent.ingest.items import COLUMNS, Items, Notice
from workers.agent.ingest.strict_json import BadValue

if TYPE_CHECKING:
    from workers.agent.ingest.bytes_in import ByteSource

BATCH_ROWS = 256
BROKEN = (pa.ArrowException, OSError, ValueError, UnicodeDecodeError, NotImplementedError)


def read(source: "ByteSource") -> Items:
    path = source.plain_path()
    done = 0
    try:
        with pq.ParquetFile(path) as table:
            source.rows_total = table.metadata.num_rows
            yield from _left_out(table.schema_arrow)
            for done, values in enumerate(_rows(table), start=1):
                yield from _row(done, values)
    except BROKEN as error:
        where = f"behind row {done}" if done else "at its start"
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        yield Fault(line=done or None, message=f"The Parquet file is broken {where}: {reason}. Write it again.")


def _left_out(schema: pa.Schema) -> Items:
    names = [field.name for field in schema]
    if len(names) > COLUMNS:
        yield Fault(line=None, message=f"The file has {len(names)} columns; the limit is {COLUMNS}.")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(line=None, field=name, message=f"Two columns are named `{name}`. Rename one.")
    for field in schema:
        if _holds_bytes(field.type):
            yield Notice(0, "bytes_left_out", f"Column `{field.name}` holds bytes and was left out.")


def _rows(table: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    kept = [field.name for field in table.schema_arrow if not _holds_bytes(field.type)]
    for batch in table.iter_batches(batch_size=BATCH_ROWS, columns=kept):
        yield from batch.to_pylist()


def _row(number: int, values: dict[str, Any]) -> Items:
    notes: list[str] = []
    plain = {name: _plain(value, notes) for name, value in values.items()}
    if notes:
        yield Notice(number, "not_finite", "NaN or infinity was read as null.")
    try:
        yield row_of(number, plain)
    except BadValue as error:
        yield Fault(line=number, field=error.field, message=str(error))


def _plain(value: Any, notes: list[str]) -> Any:
    """The value in JSON's types."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        notes += [] if isfinite(value) else ["not finite"]
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _plain(inner, notes) for name, inner in value.items()}
    if isinstance(value, list):
        is_map = bool(value) and all(isinstance(pair, tuple) for pair in value)
        return _plain(dict(value), notes) if is_map else [_plain(inner, notes) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return True
    if pa.types.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    return any(_holds_bytes(kind.field(place).type) for place in range(kind.num_fields))
