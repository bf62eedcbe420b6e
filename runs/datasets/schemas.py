"""What the API takes and says about uploads, data sets, versions and rows."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from runs.datasets import selectors, storage
from runs.datasets.models import Dataset, DatasetVersion, Upload
from runs.datasets.shapes.mapping import Fault, Mapping
from runs.jobs.schemas import JobError, JobOut
from workers.contract.records import RecordKind, SplitFile


class Body(Schema):
    """A request's body: a misspelt key is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class UploadIn(Body):
    filename: str = Field(min_length=1, max_length=255)
    size_bytes: int = Field(ge=0)


class ColumnInfo(Schema):
    """A column of the file: its JSON type (`mixed` where rows differ) and a few values, shortened."""

    name: str
    type: str
    examples: list[str]


class Inspection(Schema):
    """What the first rows of an upload tell. `candidates` are all ways to read it that fit, the best first."""

    format: Literal["jsonl", "json", "csv", "parquet"]
    compression: Literal["none", "gzip"]
    columns: list[ColumnInfo]
    rows_sampled: int
    detected: Mapping | None
    candidates: list[Mapping]
    faults: list[Fault]
    preview: list[dict[str, Any]]


class UploadOut(Schema):
    """`offset` is the first byte that is still missing; send from there, `chunk_bytes` at a time."""

    id: str
    filename: str
    size_bytes: int
    offset: int
    chunk_bytes: int
    state: Literal["receiving", "received", "inspected", "refused"]
    sha256: str
    inspection: Inspection | None
    job_id: str | None
    error: JobError | None
    created_at: datetime

    @staticmethod
    def resolve_chunk_bytes(_: Upload) -> int:
        return storage.CHUNK_BYTES


class PreviewIn(Body):
    mapping: Mapping


class PreviewRow(Schema):
    """One of the first rows as it will be read; a row with faults has no record."""

    line: int
    record: dict[str, Any] | None
    faults: list[Fault]


class PreviewOut(Schema):
    rows: list[PreviewRow]


class HubDataset(Body):
    """A data set of the Hugging Face Hub. Without `split` all its splits are taken."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
    config: str | None = Field(default=None, max_length=200)
    split: str | None = Field(default=None, max_length=100)
    revision: str | None = Field(default=None, max_length=100)


class Source(Body):
    """Where the rows come from: exactly one of the two."""

    upload_id: str | None = None
    hub: HubDataset | None = None

    @model_validator(mode="after")
    def one_source(self) -> "Source":
        if (self.upload_id is None) == (self.hub is None):
            raise ValueError("Give one of upload_id and hub.")
        return self


class SplitRule(Body):
    """`fraction`: a seeded hash of the prompt decides, so equal prompts never fall into both splits.

    `column`: the named column says the split. `none`: all rows are `train`, or the Hub's own splits.
    """

    mode: Literal["none", "fraction", "column"] = "none"
    test_fraction: float = Field(default=0.1, gt=0, lt=1)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    column: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def column_is_named(self) -> "SplitRule":
        if self.mode == "column" and not self.column:
            raise ValueError("Name the column that says each row's split.")
        return self


class VersionIn(Body):
    """Without `mapping` the one detected in the upload is taken."""

    source: Source
    mapping: Mapping | None = None
    splits: SplitRule = SplitRule()


class DatasetIn(VersionIn):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=10_000)


class DatasetPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=120)
    description: str | None = Field(default=None, max_length=10_000)


class ReportWarning(Schema):
    """Something that was kept, or left out, and should be known; `rows` are lines of the file, the first few."""

    code: str
    message: str
    count: int
    rows: list[int]


class Report(Schema):
    """What reading the file found. `rows_kept` may pass `rows_read` where one row holds several records."""

    rows_read: int | None
    rows_kept: int
    faults: list[Fault]
    warnings: list[ReportWarning]


class VersionOut(Schema):
    id: str
    dataset_id: str
    number: int
    state: Literal["ingesting", "ready", "refused", "cancelled"]
    kind: RecordKind | None
    mapping: Mapping | None
    splits: list[SplitFile]
    rows: int
    content_hash: str
    source: dict[str, Any]
    report: Report | None
    error: JobError | None
    job_id: str | None
    created_at: datetime

    @staticmethod
    def resolve_kind(version: DatasetVersion) -> str | None:
        return version.kind or None


class DatasetOut(Schema):
    """`latest` is the newest version that is ready, or the newest of all while none is; `kind` is its kind."""

    id: str
    name: str
    description: str
    project_id: str
    kind: RecordKind | None
    latest: VersionOut | None
    created_at: datetime
    deleted_at: datetime | None

    @staticmethod
    def resolve_kind(dataset: Dataset) -> str | None:
        newest = selectors.latest(dataset)
        return (newest.kind or None) if newest else None

    @staticmethod
    def resolve_latest(dataset: Dataset) -> DatasetVersion | None:
        return selectors.latest(dataset)


class Created(Schema):
    dataset: DatasetOut
    version: VersionOut
    job: JobOut


class RowOut(Schema):
    index: int
    record: dict[str, Any]


class RowsOut(Schema):
    """`next` is the offset to ask for next, null at the end. A search may stop early and still give `next`."""

    items: list[RowOut]
    total: int
    next: int | None


class StatsIn(Body):
    model_id: str = Field(max_length=40)


class Histogram(Schema):
    """`counts[i]` rows have `edges[i]` <= tokens < `edges[i + 1]`."""

    edges: list[float]
    counts: list[int]


class Truncation(Schema):
    """At this context length, the fraction of rows that would be cut."""

    length: int
    fraction: float


class SplitStats(Schema):
    rows: int
    tokens_total: int
    histogram: Histogram
    quantiles: dict[str, float]
    truncated: list[Truncation]


class StatsOut(Schema):
    splits: dict[str, SplitStats]


class RenderIn(Body):
    model_id: str = Field(max_length=40)
    split: str = Field(default="train", max_length=100)
    rows: list[int] = Field(min_length=1, max_length=50)
    max_length: int | None = Field(default=None, ge=1)
