"""Foreign shapes of rows, one file each, found by file name; every one is mapped to canonical records here.

A shape's file has `KINDS` (what it reads), `detect(sample) -> list[Mapping]` (how the sample could be read, with
confidence; empty when it is not this shape) and `read(row) -> list[Record]`. Everything is pure: no files, no
database. To add a shape, add a file; `row.Row` fetches values and gathers faults, `kinds` builds the records.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, NamedTuple

from runs.datasets.shapes.kinds import FIELDS
from runs.datasets.shapes.mapping import Fault, Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from runs.problems import FieldError, Invalid
from workers.contract.records import Record

PARTS = {"kinds", "mapping", "row", "sample", "turns"}
SHAPES: dict[str, ModuleType] = {
    found.name: import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__) if found.name not in PARTS
}


class Reading(NamedTuple):
    """What one source row became. With faults there are no records. Warnings are (code, message)."""

    records: list[Record]
    faults: list[Fault]
    warnings: list[tuple[str, str]]


def read_row(values: dict[str, Any], mapping: Mapping) -> Reading:
    row = Row(values, mapping)
    records = SHAPES[mapping.shape].read(row)
    return Reading([] if row.faults else records, row.faults, row.warnings)


def candidates(sample: Sample) -> list[Mapping]:
    """Every way to read the sample, the best first: a shape's own confidence times the share of rows it can read."""
    found = [mapping for shape in SHAPES.values() for mapping in shape.detect(sample)]
    rated = [mapping.model_copy(update={"confidence": mapping.confidence * _readable(sample, mapping)}) for mapping in found]
    return sorted((mapping for mapping in rated if mapping.confidence > 0), key=lambda mapping: -mapping.confidence)


def check_mapping(mapping: Mapping) -> None:
    """Raises Invalid when no reader knows the shape, the shape not the kind, or a needed column is not mapped."""
    shape = SHAPES.get(mapping.shape)
    if shape is None:
        _refuse("mapping.shape", f"Shape {mapping.shape} is unknown. Choose one of: {', '.join(sorted(SHAPES))}.")
    elif mapping.kind not in shape.KINDS:
        kinds = ", ".join(sorted(shape.KINDS))
        _refuse("mapping.kind", f"Shape {mapping.shape} cannot be read as {mapping.kind}. Choose one of: {kinds}.")
    elif mapping.shape == "columns":
        _check_columns(mapping)


def _check_columns(mapping: Mapping) -> None:
    fields = FIELDS[mapping.kind]
    for name in fields.required:
        if name not in mapping.columns:
            _refuse(f"mapping.columns.{name}", f"Map a column to `{name}`: rows of kind {mapping.kind} need it.")
    for name in mapping.columns:
        if name not in fields.required + fields.optional:
            known = ", ".join(fields.required + fields.optional)
            _refuse(f"mapping.columns.{name}", f"Rows of kind {mapping.kind} have no `{name}`. Known: {known}.")


def _refuse(field: str, message: str) -> None:
    raise Invalid(message, [FieldError(field, message)])


def _readable(sample: Sample, mapping: Mapping) -> float:
    if not sample.rows:
        return 0.0
    return sum(not read_row(values, mapping).faults for values in sample.rows) / len(sample.rows)
