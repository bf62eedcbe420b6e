"""Rows on their way into a version: mapped, checked, split, written below a temporary name, renamed once at the end."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from runs.datasets import storage
from runs.datasets.models import DatasetVersion
from runs.datasets.shapes import read_row
from runs.datasets.shapes.mapping import Fault, Mapping
from workers.agent.ingest.canonical import SplitWriter, canonical_line, write_manifest
from workers.agent.ingest.disk_room import need_room
from workers.agent.ingest.findings import Findings
from workers.agent.ingest.items import Items, Notice, RawRow
from workers.agent.ingest.split_choice import BadSplit, SplitChoice
from workers.agent.jobs import JobContext
from workers.contract.records import Record

TICK_ROWS = 64


class Stream(NamedTuple):
    """Rows of one source; `split` is the name the source gives them, `fraction` how much of it is read."""

    items: Items
    split: str = "train"
    fraction: Callable[[], float | None] = lambda: None


def write_version(job: JobContext, version: DatasetVersion, streams: list[Stream], mapping: Mapping) -> dict[str, Any]:
    """Writes the version's files and answers what its row shall say. Raises JobRefused; then nothing is left."""
    findings = Findings()
    with _temporary(version, job.attempt) as directory:
        writer = _VersionWriter(directory, SplitChoice(version.split_rule), findings, mapping)
        try:
            for stream in streams:
                _read(job, stream, writer)
            findings.refuse_if_faulty()
            splits = [split.finish() for _, split in sorted(writer.splits.items(), key=_train_first)]
        finally:
            writer.abandon()
        manifest = write_manifest(directory, mapping.kind, splits)
        _publish(directory, storage.version_dir(version.dataset_id, version.id))
    return {
        "kind": mapping.kind.value,
        "mapping": mapping.model_dump(mode="json"),
        "splits": [split.model_dump() for split in splits],
        "rows": findings.rows_kept,
        "content_hash": manifest.content_hash,
        "report": findings.report(),
    }


class _VersionWriter:
    def __init__(self, directory: Path, choice: SplitChoice, findings: Findings, mapping: Mapping) -> None:
        self.directory = directory
        self.choice = choice
        self.findings = findings
        self.mapping = mapping
        self.splits: dict[str, SplitWriter] = {}

    def take(self, row: RawRow, given: str) -> None:
        self.findings.rows_read += 1
        reading = read_row(row.values, self.mapping)
        self.findings.faults += [fault.model_copy(update={"line": row.line}) for fault in reading.faults]
        for code, message in reading.warnings:
            self.findings.warn(code, message, row.line)
        for record in reading.records:
            self._keep(record, row, given)

    def _keep(self, record: Record, row: RawRow, given: str) -> None:
        try:
            line = canonical_line(record)
            name = self.choice.split_of(record, line, row.values, given)
        except UnicodeEncodeError:
            message = "A text holds half of a surrogate pair, which is no character."
            self.findings.faults.append(Fault(line=row.line, message=message))
        except BadSplit as bad:
            self.findings.faults.append(bad.fault.model_copy(update={"line": row.line}))
        else:
            self._split(name).write(line)
            self.findings.kept(row.line, line)

    def _split(self, name: str) -> SplitWriter:
        if name not in self.splits:
            self.splits[name] = SplitWriter(self.directory, name)
        return self.splits[name]

    def abandon(self) -> None:
        for split in self.splits.values():
            split.abandon()


def _train_first(named: tuple[str, SplitWriter]) -> tuple[bool, str]:
    return named[0] != "train", named[0]


def _read(job: JobContext, stream: Stream, writer: _VersionWriter) -> None:
    findings = writer.findings
    for number, item in enumerate(stream.items):
        if number % TICK_ROWS == 0:
            job.progress(stream.fraction(), f"Reading rows, {findings.rows_kept:,} so far")
            need_room(writer.directory)
        if isinstance(item, RawRow):
            writer.take(item, stream.split)
        elif isinstance(item, Notice):
            findings.warn(item.code, item.message, item.line)
        else:
            findings.faults.append(item)
        if findings.full:
            return


@contextmanager
def _temporary(version: DatasetVersion, attempt: int) -> Iterator[Path]:
    """A sibling of the version's place, on the same disk; what earlier attempts left there goes first."""
    parent = storage.dataset_dir(version.dataset_id)
    for left in parent.glob(f".{version.id}-*"):
        shutil.rmtree(left)
    directory = parent / f".{version.id}-{attempt}"
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _publish(directory: Path, place: Path) -> None:
    """One rename. A directory that stands there already is of an attempt that was lost before it could say so."""
    shutil.rmtree(place, ignore_errors=True)
    directory.rename(place)
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
