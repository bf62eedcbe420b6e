"""Broken files by the dozen: each is refused with the place of the first fault; none crashes, hangs or is half kept."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runs.datasets import storage
from tests.datasets.desk import Desk, jsonl

pytestmark = pytest.mark.slow
GOOD = {"prompt": "1+1=", "completion": "2"}
GOOD_LINE = jsonl(GOOD)
BOM = b"\xef\xbb\xbf"


def lines(*broken: bytes) -> bytes:
    """A good row, then the broken ones from line 2 on."""
    return GOOD_LINE + b"\n".join(broken) + b"\n"


def table(*rows: str) -> bytes:
    return ("prompt,completion\n" + "\n".join(rows) + "\n").encode()


def listed(text: str) -> bytes:
    return f"[\n{json.dumps(GOOD)},\n{text}".encode()


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


MAPPING = {"kind": "demonstration", "shape": "columns", "columns": {"prompt": "prompt", "completion": "completion"}}
PARQUET = parquet({"prompt": [f"{n}+1=" for n in range(500)], "completion": [str(n + 1) for n in range(500)]})
MISSING = "`completion` is missing. Fix the file or map another column."
ZIPPED = gzip.compress(GOOD_LINE * 5000)


def middle_zeroed(content: bytes) -> bytes:
    half = len(content) // 2
    return content[: half - 200] + bytes(400) + content[half + 200 :]


# name → (file, line of the first fault or None, a word of its message)
BROKEN: dict[str, tuple[bytes, int | None, str]] = {
    "jsonl: not json": (lines(b"hello"), 2, "Not JSON"),
    "jsonl: cut in an object": (lines(b'{"prompt": "1", "completion"'), 2, "Not JSON"),
    "jsonl: cut in a text": (lines(b'{"prompt": "1'), 2, "Unterminated"),
    "jsonl: single quotes": (lines(b"{'prompt': '1'}"), 2, "Not JSON"),
    "jsonl: comma at the end": (lines(b'{"prompt": "1",}'), 2, "Not JSON"),
    "jsonl: two objects in a line": (lines(b'{"prompt": "1"} {"prompt": "2"}'), 2, "Extra data"),
    "jsonl: comment": (lines(b"// rows"), 2, "Not JSON"),
    "jsonl: control character": (lines(b'{"prompt": "a\x01b"}'), 2, "control character"),
    "jsonl: bad escape": (lines(rb'{"prompt": "\x41"}'), 2, "escape"),
    "jsonl: list row": (lines(b"[1, 2]"), 2, "a list"),
    "jsonl: number row": (lines(b"7"), 2, "a number"),
    "jsonl: text row": (lines(b'"text"'), 2, "text"),
    "jsonl: null row": (lines(b"null"), 2, "null"),
    "jsonl: bare true": (lines(b"true"), 2, "true or false"),
    "jsonl: nan": (lines(b'{"prompt": "1", "completion": NaN}'), 2, "NaN"),
    "jsonl: infinity": (lines(b'{"prompt": "1", "completion": -Infinity}'), 2, "Infinity"),
    "jsonl: number too large": (lines(b'{"prompt": "1", "completion": 1e999}'), 2, "too large"),
    "jsonl: number too long": (lines(b'{"prompt": "1", "completion": ' + b"9" * 5000 + b"}"), 2, "digits"),
    "jsonl: key twice": (lines(b'{"prompt": "1", "prompt": "2"}'), 2, "twice"),
    "jsonl: key twice inside": (lines(b'{"prompt": "1", "completion": {"a": 1, "a": 2}}'), 2, "twice"),
    "jsonl: half a surrogate": (lines(rb'{"prompt": "\ud800", "completion": "2"}'), 2, "surrogate"),
    "jsonl: not utf-8": (lines(b'{"prompt": "caf\xe9", "completion": "2"}'), 2, "0xe9"),
    "jsonl: cut utf-8": (lines(b'{"prompt": "\xe2\x82", "completion": "2"}'), 2, "UTF-8"),
    "jsonl: overlong utf-8": (lines(b'{"prompt": "\xc0\x80", "completion": "2"}'), 2, "UTF-8"),
    "jsonl: nested too deep": (lines(b'{"prompt": ' + b"[" * 80 + b"]" * 80 + b"}"), 2, "deeper"),
    "jsonl: nested without end": (lines(b'{"prompt": ' + b"[" * 100_000), 2, "deeper"),
    "jsonl: objects without end": (lines(b'{"a":' * 50_000), 2, "deeper"),
    "jsonl: too many keys": (lines(json.dumps({str(n): n for n in range(1500)}).encode()), 2, "1500 keys"),
    "jsonl: field missing": (lines(b'{"prompt": "1"}'), 2, "missing"),
    "jsonl: field null": (lines(b'{"prompt": "1", "completion": null}'), 2, "null"),
    "jsonl: empty object": (lines(b"{}"), 2, "missing"),
    "jsonl: wrong type": (lines(b'{"prompt": "1", "completion": {"a": 1}}'), 2, "an object"),
    "jsonl: nul bytes behind": (GOOD_LINE + bytes(100), 2, "Not JSON"),
    "jsonl: first line broken": (b'{"prompt": "1", \n' + GOOD_LINE, 1, "Not JSON"),
    "jsonl: bom in the middle": (GOOD_LINE + BOM + GOOD_LINE, 2, "Not JSON"),
    "jsonl: html page": (lines(b"<html><body>Not found</body></html>"), 2, "Not JSON"),
    "json: not closed": (listed(json.dumps(GOOD)), 3, "not closed"),
    "json: comma missing": (listed(json.dumps(GOOD) + json.dumps(GOOD) + "]"), 3, "missing"),
    "json: cut in an object": (listed('{"prompt": "1"'), 3, "Not JSON"),
    "json: comma at the end": (listed("]"), 3, "Not JSON"),
    "json: text behind": (listed(json.dumps(GOOD) + "] more"), 3, "behind"),
    "json: nan": (listed('{"prompt": NaN}]'), 3, "NaN"),
    "json: key twice": (listed('{"a": 1, "a": 2}]'), 3, "twice"),
    "json: numbers": (listed("7]"), 3, "a number"),
    "json: nested without end": (listed("[" * 100_000), 3, "deeper"),
    "json: not utf-8": (listed("").replace(b"1+1", b"1\xff1"), 1, "UTF-8"),
    "json: only an opening bracket": (b"[", 1, "Not JSON"),
    "json: empty list": (b"[]", None, "no rows"),
    "json: one wrapper object": (b'{\n"data": [{"prompt": "1"}]\n}', None, "shape"),
    "csv: field missing": (table("1,2", "1"), 3, "1 field;"),
    "csv: field too many": (table("1,2", "1,2,3"), 3, "3 fields"),
    "csv: quote never closed": (table("1,2", '"1,2'), 3, "never closed"),
    "csv: quote inside": (table("1,2", '"1"x,2'), 3, "quote"),
    "csv: not utf-8": (table("1,2").replace(b"1,2", b"caf\xe9,2"), 2, "0xe9"),
    "csv: latin-1 header": (b"pr\xf6mpt,completion\n1,2\n", 1, "0xf6"),
    "csv: column twice": (b"prompt,prompt\n1,2\n", 1, "Two columns"),
    "csv: bare carriage returns": (b"prompt,completion\r1,2\r3,4\r", 1, "carriage return"),
    "csv: header alone": (b"prompt,completion\n", None, "no rows"),
    "csv: too many columns": ((",".join(f"c{n}" for n in range(1200)) + "\n").encode(), 1, "1200 columns"),
    "gzip: cut in the middle": (ZIPPED[: len(ZIPPED) // 2], None, "early"),
    "gzip: checksum wrong": (ZIPPED[:-8] + b"\0" * 8, None, "gzip"),
    "gzip: middle broken": (gzip.compress(bytes(range(256)) * 400)[:100], None, "gzip"),
    "gzip: header alone": (b"\x1f\x8b\x08\x00", None, "gzip"),
    "gzip: of nothing": (gzip.compress(b""), None, "empty"),
    "gzip: of a zip": (gzip.compress(b"PK\x03\x04rest"), None, "zip"),
    "parquet: cut": (PARQUET[:-20], None, "Parquet"),
    "parquet: middle zeroed": (middle_zeroed(PARQUET), None, "Parquet"),
    "parquet: magic alone": (b"PAR1", None, "Parquet"),
    "parquet: magic and rubbish": (b"PAR1" + b"x" * 500 + b"PAR1", None, "Parquet"),
    "parquet: no rows": (parquet({"prompt": pa.array([], pa.string())}), None, "no rows"),
    "parquet: bytes only": (parquet({"prompt": pa.array([b"\xff\x00"])}), None, "shape"),
    "parquet: cut inside gzip": (gzip.compress(PARQUET[: len(PARQUET) // 2]), None, "Parquet"),
    "other: token ids": (jsonl({"input_ids": [1, 2], "labels": [-100, 2]}), None, "token ids"),
    "other: list of data sets": (jsonl({"sums": {"file_name": "sums.json", "formatting": "sharegpt"}}), None, "sums.json"),
    "other: web page": (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", None, "web page"),
    "other: git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n", None, "Git LFS"),
    "other: white space": (b" \n\t\n", None, "empty"),
    "other: bom alone": (BOM, None, "empty"),
    "other: zip": (b"PK\x03\x04" + bytes(50), None, "zip"),
    "other: xz": (b"\xfd7zXZ\x00", None, "xz"),
    "other: zstd": (b"\x28\xb5\x2f\xfd", None, "zstd"),
    "other: bzip2": (b"BZh91AY", None, "bzip2"),
    "other: arrow": (b"ARROW1\x00\x00", None, "Arrow"),
    "other: sqlite": (b"SQLite format 3\x00", None, "SQLite"),
    "other: pdf": (b"%PDF-1.7", None, "PDF"),
    "other: pickle": (b"\x80\x04\x95", None, "pickle"),
    "other: utf-16": ('{"prompt": "1"}'.encode("utf-16"), None, "UTF-16"),
    "other: png": (b"\x89PNG\r\n\x1a\n" + bytes(60), None, "binary"),
    "other: elf": (b"\x7fELF" + bytes(60), None, "binary"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_place(desk: Desk, name: str) -> None:
    content, line, word = BROKEN[name]
    upload = desk.send(content)
    if word == "shape":
        assert upload["inspection"]["detected"] is None
        return
    error = upload["error"] if upload["state"] == "refused" else desk.ingest(upload, MAPPING)["error"]
    said = " ".join([error["message"], error["remedy"], *[fault["message"] for fault in error["faults"]]])
    assert word in said
    assert error["remedy"]
    assert line is None or error["faults"][0]["line"] == line
    assert not list(storage.dataset_dir("").glob("*/dsv_*"))


FINE: dict[str, bytes] = {
    "bom": BOM + GOOD_LINE * 3,
    "crlf": b"\r\n".join([GOOD_LINE.strip()] * 3) + b"\r\n",
    "no end of line": GOOD_LINE * 2 + GOOD_LINE.strip(),
    "blank lines": b"\n\n" + GOOD_LINE + b"  \n" + GOOD_LINE * 2,
    "indented": b"  " + GOOD_LINE + GOOD_LINE * 2,
    "list": json.dumps([GOOD] * 3).encode(),
    "list over lines": json.dumps([GOOD] * 3, indent=2).encode(),
    "list with bom": BOM + json.dumps([GOOD] * 3).encode(),
    "objects over lines": "\n".join([json.dumps(GOOD, indent=2)] * 3).encode(),
    "csv": table("1+1=,2", "1+1=,2", "1+1=,2"),
    "csv with quotes": table('"1+1=",2', "1+1=,2", '"1+1=","2"'),
    "csv with bom": BOM + table("1+1=,2", "1+1=,2", "1+1=,2"),
    "csv with crlf": table("1+1=,2", "1+1=,2", "1+1=,2").replace(b"\n", b"\r\n"),
    "tsv": table("1+1=,2", "1+1=,2", "1+1=,2").replace(b",", b"\t"),
    "semicolons": table("1+1=,2", "1+1=,2", "1+1=,2").replace(b",", b";"),
    "parquet": parquet({"prompt": ["1+1="] * 3, "completion": ["2"] * 3}),
    "parquet with bytes beside": parquet({"prompt": ["1+1="] * 3, "completion": ["2"] * 3, "image": [b"\x00"] * 3}),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FINE)
def test_the_same_rows_in_every_dress_give_the_same_version(desk: Desk, name: str, pack: Callable[[bytes], bytes]) -> None:
    version = desk.ingest(desk.send(pack(FINE[name])))
    expected = desk.ingest(desk.send(GOOD_LINE * 3))
    assert version["state"] == "ready", version["error"]
    assert (version["rows"], version["content_hash"]) == (3, expected["content_hash"])


def test_the_first_twenty_faults_are_named_and_no_more(desk: Desk) -> None:
    content = b"".join(GOOD_LINE + b"broken\n" for _ in range(30))
    error = desk.send(content)["error"]
    assert [fault["line"] for fault in error["faults"]] == list(range(2, 42, 2))
    assert error["message"].endswith("19 or more further faults follow.")


@pytest.mark.parametrize(("broken", "said"), [(1, None), (2, "1 further fault follows."), (3, "2 further faults follow.")])
def test_the_faults_behind_the_first_are_counted_in_words(desk: Desk, broken: int, said: str | None) -> None:
    message = desk.send(GOOD_LINE + b"broken\n" * broken)["error"]["message"]
    assert message.startswith("Line 2: ")
    assert message.endswith(said) if said else "further" not in message


def test_a_fault_far_behind_the_sample_refuses_the_version(desk: Desk) -> None:
    rows = [{"prompt": f"{n}+1=", "completion": str(n + 1)} for n in range(3000)]
    version = desk.ingest(desk.send(jsonl(*rows[:2500]) + b'{"prompt": "1"}\n' + jsonl(*rows[2500:])))
    assert (version["state"], version["rows"], version["splits"]) == ("refused", 0, [])
    assert version["report"]["faults"] == [
        {"line": 2501, "column": None, "field": "completion", "message": MISSING}
    ]
    assert list(storage.dataset_dir(version["dataset_id"]).iterdir()) == []


def test_a_row_over_the_limit_is_refused_without_reading_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.agent.ingest.bytes_in.ROW_BYTES", 1000)
    monkeypatch.setattr("workers.agent.ingest.formats.jsonl.ROW_BYTES", 1000)
    error = desk.send(GOOD_LINE + jsonl({"prompt": "x" * 5000}) + b"never read\n")["error"]
    assert [fault["line"] for fault in error["faults"]] == [2]


BOMBS = {"jsonl": GOOD_LINE * 20_000, "blanks": b"[" + b" " * 2_000_000, "csv": table("1+1=,2") + b"1+1=,2\n" * 200_000}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_gzip_bomb_is_refused_before_it_fills_the_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("workers.agent.ingest.bytes_in.INFLATION", 10)
    monkeypatch.setattr("workers.agent.ingest.bytes_in.INFLATION_FREE_BYTES", 2**16)
    monkeypatch.setattr("workers.agent.ingest.bytes_in.BLOCK", 2**12)
    upload = desk.send(gzip.compress(content))
    error = upload["error"] if upload["state"] == "refused" else desk.ingest(upload, MAPPING)["error"]
    assert (error["code"], "times its own size" in error["message"]) == ("unreadable_file", True)


def test_a_parquet_inside_a_gzip_bomb_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.agent.ingest.bytes_in.INFLATION_FREE_BYTES", 2**16)
    monkeypatch.setattr("workers.agent.ingest.bytes_in.BLOCK", 2**12)
    upload = desk.send(gzip.compress(PARQUET + bytes(50_000_000)))
    assert upload["error"]["code"] == "unreadable_file"


def test_cells_that_unfold_beyond_all_memory_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One long text that every row points to: 40 KB of file, 20 GiB of rows."""
    monkeypatch.setattr("workers.agent.memory_bound.bounded_memory.__wrapped__.__defaults__", (2**28,))
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["x" * 4_000_000]))
    error = desk.send(parquet({"prompt": long, "completion": long}))["error"]
    assert error["code"] in ("too_large_rows", "bad_rows")


def test_a_disk_that_is_all_but_full_is_left_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = desk.send(GOOD_LINE * 100)
    monkeypatch.setattr("workers.agent.ingest.disk_room.RESERVE_BYTES", 2**60)
    version = desk.ingest(upload, MAPPING)
    assert (version["state"], version["error"]["code"]) == ("refused", "disk_full")
    assert not list(storage.dataset_dir(version["dataset_id"]).iterdir())


def test_a_fault_shows_the_piece_of_the_line_and_counts_in_good_grammar(desk: Desk) -> None:
    def faults(content: bytes) -> list[str]:
        refused = desk.send(content)
        return [fault["message"] for fault in refused["error"]["faults"]]

    long = b'{"prompt": "a very long prompt that nobody reads", \'completion\': "and as long an answer behind it"}'
    (message,) = faults(lines(long))
    assert message.endswith("""at `…mpt that nobody reads", 'completion': "and as lo…`.""")
    assert faults(b"[" + b'{"prompt": nul\x00l}')[0].endswith('at `{"prompt": nul\ufffdl}`.')
    assert faults(table("1", "2,3,4"))[0] == "The row has 1 field; the first line names 2 columns."


def test_an_empty_file_is_told_so(desk: Desk) -> None:
    answer = desk.call("POST", f"/projects/{desk.project.id}/uploads", {"filename": "x.jsonl", "size_bytes": 0})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "The file is empty. Send a file with rows."
    assert answer.json()["errors"][0]["field"] == "size_bytes"


def test_what_was_refused_while_it_was_read_is_no_data_set_of_the_list(desk: Desk) -> None:
    broken = desk.send(GOOD_LINE * 300 + b"no json\n")
    version = desk.ingest(broken, MAPPING)
    assert version["state"] == "refused"
    assert desk.get(f"/projects/{desk.project.id}/datasets")["items"] == []
    assert desk.get(f"/datasets/{version['dataset_id']}")["latest"]["error"]["message"]
