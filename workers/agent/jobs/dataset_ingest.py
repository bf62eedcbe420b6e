"""Reads an upload, a Hub data set or a generated world into a version: all of it, or nothing."""

from importlib import import_module
from typing import Any

from runs.datasets import storage
from runs.datasets.models import DatasetVersion
from runs.datasets.shapes.mapping import Mapping
from workers.agent.ingest import worlds
from workers.agent.ingest.bytes_in import ByteSource
from workers.agent.ingest.items import Unreadable
from workers.agent.ingest.version_files import Stream, write_version
from workers.agent.jobs import JobContext, JobRefused
from workers.agent.memory_bound import bounded_memory


def run(job: JobContext) -> dict[str, Any]:
    """What the version's row shall say; the room takes it over as the job ends."""
    version = DatasetVersion.objects.select_related("dataset").get(id=job.payload["version_id"])
    if hub := version.source.get("hub"):
        # The Hub's library takes a second to import, which no upload should wait for.
        streams, mapping = import_module("workers.agent.ingest.hub").streams(job, hub, version.mapping)
        return write_version(job, version, streams, mapping)
    if world := version.source.get("world"):
        directory = worlds.make(job, world, version.source["knobs"])
        return worlds.read_in(job, version, directory, version.source["files"])
    path = storage.upload_path(version.source["upload_id"])
    if not path.exists():
        raise JobRefused("upload_gone", "The uploaded file is no longer on the worker's disk.", "Send the file again.")
    try:
        with bounded_memory(), ByteSource(path, job.work_dir) as source:
            stream = Stream(source.items(), fraction=source.fraction)
            return write_version(job, version, [stream], Mapping.model_validate(version.mapping))
    except Unreadable as error:
        raise JobRefused("unreadable_file", error.message, error.remedy) from error
