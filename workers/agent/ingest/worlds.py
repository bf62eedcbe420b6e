"""Files of a generated world: the engine makes them, and they are read in like any others."""

import json
from collections.abc import Mapping as Files
from pathlib import Path
from typing import Any

from runs.datasets.models import DatasetVersion
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from runs.datasets.shapes.trl import detect
from workers.agent.engine_call import call_engine
from workers.agent.ingest.bytes_in import ByteSource, rows_only
from workers.agent.ingest.version_files import Stream, write_version
from workers.agent.jobs import JobContext, JobRefused

LIMIT_SECONDS = 600.0


def make(job: JobContext, world: str, knobs: dict[str, Any]) -> Path:
    """The directory with the world's files. Raises JobRefused with the engine's sentence for knobs that do not go together."""
    directory = job.work_dir / "world"
    try:
        call_engine(job, "make-world", world, str(directory), "--knobs", json.dumps(knobs), doing="Generating rows",
                    limit_seconds=LIMIT_SECONDS)
    except JobRefused as refused:
        remedy = "Change the knob that it names, then generate again."
        raise JobRefused("world_knobs", str(refused.error["message"]), remedy) from refused
    return directory


def read_in(job: JobContext, version: DatasetVersion, directory: Path, files: Files[str, str]) -> dict[str, Any]:
    """What the version's row shall say; `files` names the file of each split. A split without rows is left out."""
    there = {split: directory / name for split, name in files.items() if (directory / name).stat().st_size}
    sources = {split: ByteSource(path, job.work_dir) for split, path in there.items()}
    try:
        streams = [Stream(source.items(), split, source.fraction) for split, source in sources.items()]
        return write_version(job, version, streams, _mapping(job, next(iter(there.values())), version))
    finally:
        for source in sources.values():
            source.close()


def _mapping(job: JobContext, file: Path, version: DatasetVersion) -> Mapping:
    """The engine writes TRL's columns; which ones, the first row says."""
    with ByteSource(file, job.work_dir) as source:
        [mapping] = detect(Sample([next(rows_only(source.items()))]))
    return mapping.model_copy(update={"label": (version.mapping or {}).get("label", "")})
