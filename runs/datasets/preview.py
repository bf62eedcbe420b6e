"""The first rows of an upload as a mapping would read them."""

from typing import Any

from runs.datasets.models import Upload
from runs.datasets.schemas import PreviewRow
from runs.datasets.shapes import check_mapping, read_row
from runs.datasets.shapes.mapping import Mapping
from runs.problems import Conflict

SHOWN = 3


def first_rows(upload: Upload, mapping: Mapping) -> list[PreviewRow]:
    """Records of the first three source rows; one row may hold several. Raises Problem for a mapping that cannot be."""
    check_mapping(mapping)
    if upload.inspection is None:
        raise Conflict("upload_not_inspected", f"{upload.filename} is {upload.state}. Wait until its state is inspected.")
    rows = upload.inspection["preview"][:SHOWN]
    lines = upload.inspection["lines"][:SHOWN]
    return [row for line, values in zip(lines, rows, strict=True) for row in _as_read(line, values, mapping)]


def _as_read(line: int, values: dict[str, Any], mapping: Mapping) -> list[PreviewRow]:
    reading = read_row(values, mapping)
    if reading.faults:
        faults = [fault.model_copy(update={"line": line}) for fault in reading.faults]
        return [PreviewRow(line=line, record=None, faults=faults)]
    records = [record.model_dump(mode="json", exclude_none=True) for record in reading.records]
    return [PreviewRow(line=line, record=record, faults=[]) for record in records]
