"""Writes a version's directory as `workers.contract.records` describes it: rows, sparse index, manifest."""

import hashlib
import json
import os
import sys
from array import array
from pathlib import Path

from workers.contract.records import INDEX_STRIDE, DatasetManifest, Record, RecordKind, SplitFile

BUFFER_BYTES = 2**20
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def canonical_line(record: Record) -> bytes:
    """One row of a split file, with its line end. Raises UnicodeEncodeError for half a surrogate pair."""
    fields = record.model_dump(mode="json", exclude_none=True, exclude={"extra"})
    if record.extra:
        fields["extra"] = record.extra
    return encode(fields).encode("utf-8") + b"\n"


class SplitWriter:
    """One split: appends rows, keeps every 64th offset, hashes on the way."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.rows = 0
        self._size = 0
        self._hash = hashlib.sha256()
        self._offsets = array("Q")
        self._index_path = directory / f"{name}.index"
        self._file = (directory / f"{name}.jsonl").open("wb", buffering=BUFFER_BYTES)

    def write(self, line: bytes) -> None:
        if self.rows % INDEX_STRIDE == 0:
            self._offsets.append(self._size)
        self._file.write(line)
        self._hash.update(line)
        self.rows += 1
        self._size += len(line)

    def finish(self) -> SplitFile:
        self._offsets.append(self._size)
        if sys.byteorder == "big":
            self._offsets.byteswap()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        write_synced(self._index_path, self._offsets.tobytes())
        return SplitFile(name=self.name, rows=self.rows, size_bytes=self._size, sha256=self._hash.hexdigest())

    def abandon(self) -> None:
        self._file.close()


def write_manifest(directory: Path, kind: RecordKind, splits: list[SplitFile]) -> DatasetManifest:
    named = json.dumps([kind.value, *[[split.name, split.sha256] for split in splits]])
    content_hash = hashlib.sha256(named.encode()).hexdigest()
    manifest = DatasetManifest(kind=kind, splits=splits, content_hash=content_hash)
    write_synced(directory / "manifest.json", (manifest.model_dump_json(indent=2) + "\n").encode())
    return manifest


def write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
