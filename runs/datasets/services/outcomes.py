"""What jobs found, taken over in the transaction that ends the job: a version and its job never disagree."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from runs.datasets.models import DatasetVersion, Upload, UploadState, VersionState, VersionStats
from runs.jobs import services as jobs
from runs.jobs.models import FINAL, Job, JobState


@transaction.atomic
def keep_inspection(job_id: str, attempt: int, *, upload_id: str, inspection: dict[str, Any], sha256: str) -> None:
    """Called by the job while it still holds its lease. Raises Fenced."""
    jobs.report(job_id, attempt, progress=1.0, doing="Keeping what was found", eta_seconds=None)
    Upload.objects.filter(id=upload_id).update(inspection=inspection, sha256=sha256, state=UploadState.INSPECTED, error=None)


def take_over(job: Job) -> None:
    """Receiver of `job_changed`: settles what the job was about once it has ended."""
    settle = SETTLE.get(job.kind)
    if settle and job.state in FINAL:
        settle(job)


def _settle_inspection(job: Job) -> None:
    if job.state == JobState.SUCCEEDED:
        return
    error = job.error or {"code": "cancelled", "message": "The inspection was cancelled.", "remedy": "Send the file again."}
    Upload.objects.filter(id=job.subject_id).update(state=UploadState.REFUSED, error=error)


def _settle_ingest(job: Job) -> None:
    _settle_version(job, job.subject_id, job.result)


def _settle_world(job: Job) -> None:
    for version_id in job.payload["versions"]:
        _settle_version(job, version_id, (job.result or {}).get(version_id))


def _settle_version(job: Job, version_id: str, found: dict[str, Any] | None) -> None:
    """`found` is what the job wrote: kind, mapping, splits, rows, content_hash, report."""
    rows = DatasetVersion.objects.filter(id=version_id, state=VersionState.INGESTING)
    if job.state == JobState.SUCCEEDED and found:
        rows.update(state=VersionState.READY, **found)
    elif job.state == JobState.CANCELLED:
        rows.update(state=VersionState.CANCELLED)
    else:
        report = {"rows_read": None, "rows_kept": 0, "faults": (job.error or {}).get("faults", []), "warnings": []}
        rows.update(state=VersionState.REFUSED, error=job.error, report=report)


def _settle_stats(job: Job) -> None:
    if job.state == JobState.SUCCEEDED:
        VersionStats.objects.update_or_create(
            version_id=job.subject_id, model_id=job.payload["model_id"], defaults={"result": job.result}
        )


SETTLE: dict[str, Callable[[Job], None]] = {
    "dataset_inspect": _settle_inspection,
    "dataset_ingest": _settle_ingest,
    "dataset_make_world": _settle_world,
    "dataset_stats": _settle_stats,
}
