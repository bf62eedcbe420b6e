"""What the first rows of a file tell: columns, how they could be read, a preview."""

import json
from typing import Any

from runs.datasets.shapes import candidates
from runs.datasets.shapes.mapping import Fault
from runs.datasets.shapes.sample import Sample
from workers.agent.ingest.bytes_in import ByteSource
from workers.agent.ingest.items import FAULTS_SHOWN, RawRow

SAMPLE_ROWS = 200
SAMPLE_BYTES = 8 * 2**20
PREVIEW_ROWS = 50
PREVIEW_BYTES = 2**20
TEXT_SHOWN = 20_000
EXAMPLES = 3


def first_rows(source: ByteSource) -> tuple[list[RawRow], list[Fault]]:
    """Rows until the sample is large enough or has faults enough."""
    rows: list[RawRow] = []
    faults: list[Fault] = []
    size = 0
    for item in source.items():
        if isinstance(item, RawRow):
            rows.append(item)
            size += len(json.dumps(item.values))
        elif isinstance(item, Fault):
            faults.append(item)
        if len(rows) >= SAMPLE_ROWS or size > SAMPLE_BYTES or len(faults) >= FAULTS_SHOWN:
            break
    return rows, faults


def describe(source: ByteSource, rows: list[RawRow]) -> dict[str, Any]:
    """The `Inspection` of the API, with `lines`, the line of each row of the preview."""
    sample = Sample([row.values for row in rows])
    found = candidates(sample)
    shown = _preview(rows)
    return {
        "format": source.format,
        "compression": source.compression,
        "columns": [_column(sample, name) for name in sample.columns],
        "rows_sampled": len(rows),
        "detected": found[0].model_dump(mode="json") if found and found[0].confidence >= 0.5 else None,
        "candidates": [mapping.model_dump(mode="json") for mapping in found],
        "faults": [],
        "preview": [_clean(row.values) for row in shown],
        "lines": [row.line for row in shown],
    }


def _preview(rows: list[RawRow]) -> list[RawRow]:
    """At most 50 rows and a bound of bytes; at least one."""
    size = 0
    shown: list[RawRow] = []
    for row in rows[:PREVIEW_ROWS]:
        size += len(json.dumps(row.values))
        if shown and size > PREVIEW_BYTES:
            break
        shown.append(row)
    return shown


def _column(sample: Sample, name: str) -> dict[str, Any]:
    kinds = {_kind(value) for value in sample.values(name)}
    kind = "null" if not kinds else kinds.pop() if len(kinds) == 1 else "number" if kinds == {"integer", "number"} else "mixed"
    return {"name": name, "type": kind, "examples": [_short(value) for value in sample.values(name)[:EXAMPLES]]}


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list", dict: "object"}
    return kinds.get(type(value), "null")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return str(_clean(text if len(text) <= 120 else text[:120] + "…"))


def _clean(value: Any) -> Any:
    """For the database: no NUL, which Postgres refuses, and no text that fills the page."""
    if isinstance(value, str):
        text = value.replace("\0", "\ufffd")
        return text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN // 2] + " … " + text[-TEXT_SHOWN // 2 :]
    if isinstance(value, dict):
        return {_clean(name): _clean(inner) for name, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value
