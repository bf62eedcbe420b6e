"""Versions from files that the server itself wrote: they need no inspection, and are read in like any upload."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.datasets import storage
from runs.datasets.models import Dataset, DatasetVersion, Upload, UploadState
from runs.datasets.services.sets import read_in, user_of
from runs.datasets.shapes import check_mapping
from runs.datasets.shapes.mapping import Mapping
from runs.jobs.models import Job


@transaction.atomic
def add_written_version(
    dataset: Dataset, file: Path, *, mapping: Mapping, origin: dict[str, Any], actor: Actor | None
) -> tuple[DatasetVersion, Job]:
    """The next version of `dataset` from a copy of `file`, and the job that reads it. `origin` says what the rows are from."""
    check_mapping(mapping)
    upload = _as_upload(dataset, file, actor)
    return read_in(
        dataset, source={"upload_id": upload.id, **origin}, mapping=mapping, split_rule={"mode": "none"}, actor=actor
    )


def _as_upload(dataset: Dataset, file: Path, actor: Actor | None) -> Upload:
    size = file.stat().st_size
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    upload = Upload.objects.create(
        project=dataset.project,
        created_by=user_of(actor),
        filename=file.name,
        size_bytes=size,
        offset=size,
        state=UploadState.INSPECTED,
        sha256=sha256,
    )
    storage.upload_dir(upload.id).mkdir(parents=True)
    shutil.copyfile(file, storage.upload_path(upload.id))
    return upload
