"""Has the engine generate a small world's data and reads its files into versions."""

from typing import Any

from runs.datasets.models import DatasetVersion
from workers.agent.ingest import worlds
from workers.agent.jobs import JobContext


def run(job: JobContext) -> dict[str, Any]:
    """What each version's row shall say, by version id."""
    directory = worlds.make(job, job.payload["world"], {})
    versions: dict[str, dict[str, str]] = job.payload["versions"]
    known = DatasetVersion.objects.select_related("dataset").in_bulk(list(versions))
    return {version_id: worlds.read_in(job, known[version_id], directory, files) for version_id, files in versions.items()}
