"""Has the engine generate a small world's data and reads its files into versions."""

from typing import Any

from runs.datasets.models import DatasetVersion
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from runs.datasets.shapes.trl import detect
from workers.agent.engine_call import call_engine
from workers.agent.ingest.bytes_in import ByteSource, rows_only
from workers.agent.ingest.version_files import Stream, write_version
from workers.agent.jobs import JobContext


def run(job: JobContext) -> dict[str, Any]:
    """What each version's row shall say, by version id."""
    directory = job.work_dir / "world"
    call_engine(job, "make-world", job.payload["world"], str(directory), doing="Generating problems")
    versions: dict[str, dict[str, str]] = job.payload["versions"]
    return {version_id: _ingest(job, version_id, files) for version_id, files in versions.items()}


def _ingest(job: JobContext, version_id: str, files: dict[str, str]) -> dict[str, Any]:
    version = DatasetVersion.objects.select_related("dataset").get(id=version_id)
    sources = {split: ByteSource(job.work_dir / "world" / name, job.work_dir) for split, name in files.items()}
    try:
        streams = [Stream(source.items(), split, source.fraction) for split, source in sources.items()]
        return write_version(job, version, streams, _mapping(job, files, version))
    finally:
        for source in sources.values():
            source.close()


def _mapping(job: JobContext, files: dict[str, str], version: DatasetVersion) -> Mapping:
    """The engine writes TRL's columns; which ones, the first row says."""
    with ByteSource(job.work_dir / "world" / next(iter(files.values())), job.work_dir) as source:
        [mapping] = detect(Sample([next(rows_only(source.items()))]))
    return mapping.model_copy(update={"label": (version.mapping or {}).get("label", "")})
