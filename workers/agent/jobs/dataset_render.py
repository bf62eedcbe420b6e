"""Rows as the model's chat template renders them, with the part that is trained; the engine owns both rules."""

from typing import Any

from runs.datasets import selectors
from runs.datasets.models import DatasetVersion
from runs.library.selectors import model_ref
from workers.agent.engine_call import TOKENIZING_BYTES, call_engine
from workers.agent.jobs import JobContext

LIMIT_SECONDS = 120.0


def run(job: JobContext) -> dict[str, Any]:
    """`{rows: [{index, tokens, cut_at, segments}]}`."""
    version = DatasetVersion.objects.select_related("dataset", "project").get(id=job.payload["version_id"])
    model = model_ref(job.payload["model_id"], project=version.project)
    picked = [row for index in job.payload["rows"] for row in _row(version, job.payload["split"], index)]
    request = {
        "model_path": model.path,
        "kind": version.kind,
        "records": [row["record"] for row in picked],
        "max_length": job.payload["max_length"],
    }
    answer = call_engine(
        job, "render", request=request, doing="Rendering rows", limit_seconds=LIMIT_SECONDS, limit_bytes=TOKENIZING_BYTES
    )
    return {"rows": [{"index": row["index"], **read} for row, read in zip(picked, answer["rows"], strict=True)]}


def _row(version: DatasetVersion, split: str, index: int) -> list[dict[str, Any]]:
    """The row, or nothing when the split is shorter."""
    items: list[dict[str, Any]] = selectors.row_page(version, split, offset=index, limit=1)["items"]
    return items
