"""Whatever rows hold, every format gives them back as they were, and any row is found by its number."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.datasets.row_pages import read_rows
from workers.agent.ingest.bytes_in import ByteSource
from workers.agent.ingest.canonical import SplitWriter, canonical_line
from workers.agent.ingest.items import Item, RawRow
from workers.contract.records import Message, Record

pytestmark = pytest.mark.slow
slow_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(NAME, VALUE, min_size=1, max_size=4), min_size=1, max_size=12)


def read(folder: Path, content: bytes) -> list[Item]:
    path = folder / "data"
    path.write_bytes(content)
    with ByteSource(path, folder) as source:
        return list(source.items())


def values(items: list[Item]) -> list[dict[str, Any]]:
    assert all(isinstance(item, RawRow) for item in items), items
    return [item.values for item in items if isinstance(item, RawRow)]


@given(rows=OBJECTS, ascii_only=st.booleans(), zipped=st.booleans())
@slow_folder
def test_json_lines_give_back_what_was_written(tmp_path: Path, rows: list[Any], ascii_only: bool, zipped: bool) -> None:
    content = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows).encode()
    items = read(tmp_path, gzip.compress(content) if zipped else content)
    assert values(items) == rows
    assert [item.line for item in items] == list(range(1, len(rows) + 1))


@given(rows=OBJECTS, indent=st.none() | st.integers(0, 4))
@slow_folder
def test_a_json_list_gives_back_each_object_with_its_line(tmp_path: Path, rows: list[Any], indent: int | None) -> None:
    content = json.dumps(rows, indent=indent, ensure_ascii=False)
    items = read(tmp_path, content.encode())
    assert values(items) == rows
    found = content.split("\n")
    assert all(found[(item.line or 0) - 1].lstrip(" ,[").startswith("{") for item in items)


@given(rows=OBJECTS, block=st.integers(1, 7))
@slow_folder
def test_a_json_list_cut_into_any_blocks_reads_alike(
    tmp_path: Path, rows: list[Any], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.agent.ingest.formats.json.BLOCK", block)
    assert values(read(tmp_path, json.dumps(rows, indent=1, ensure_ascii=False).encode())) == rows


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=10), delimiter=st.sampled_from(",;\t|"))
@slow_folder
def test_csv_gives_back_what_was_written(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("prompt", "completion"), *rows])
    found = values(read(tmp_path, text.getvalue().encode()))
    assert [(row["prompt"], row["completion"]) for row in found] == rows


COLUMNS = st.fixed_dictionaries({
    "prompt": TEXT,
    "score": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "count": st.integers(-(2**63), 2**63 - 1),
    "turns": st.lists(st.fixed_dictionaries({"role": TEXT, "content": TEXT}), max_size=3),
})  # fmt: skip


@given(rows=st.lists(COLUMNS, min_size=1, max_size=10))
@slow_folder
def test_parquet_gives_back_what_was_written(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("prompt", pa.string()), ("score", pa.float64()), ("count", pa.int64()), ("turns", pa.list_(turn))])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    assert values(read(tmp_path, buffer.getvalue())) == rows


TURN = st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=TEXT, weight=st.none() | st.just(0.0))
RECORD = st.builds(
    Record,
    prompt=TEXT | st.lists(TURN, min_size=1, max_size=3),
    completion=TEXT,
    label=st.none() | st.booleans(),
    extra=st.dictionaries(NAME, VALUE, max_size=3),
)


@given(records=st.lists(RECORD, min_size=1, max_size=140), offset=st.integers(0, 150), limit=st.integers(1, 5))
@slow_folder
def test_written_records_are_read_back_at_any_offset(tmp_path: Path, records: list[Record], offset: int, limit: int) -> None:
    writer = SplitWriter(tmp_path, "train")
    for record in records:
        writer.write(canonical_line(record))
    split = writer.finish()
    items, following = read_rows(tmp_path, "train", total=split.rows, offset=offset, limit=limit)
    assert [Record.model_validate(item["record"]) for item in items] == records[offset : offset + limit]
    assert following == (offset + limit if offset + limit < len(records) else None)
