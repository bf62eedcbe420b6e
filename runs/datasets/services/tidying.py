"""What nobody will come back for: files that were never sent to the end or never used, and what lost jobs left behind."""

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.services import audit
from runs.datasets import storage
from runs.datasets.models import DatasetVersion, Upload, VersionState

ABANDONED_AFTER = timedelta(days=7)
"""Since the last byte came. Versions keep rows of their own, so an upload is needed only until they are read."""


def forget_abandoned_uploads() -> int:
    """Deletes uploads that nothing has touched for a week and no version is being read from, with their files.

    Also files below `uploads/` that no row knows, such as the body of a request whose server was killed.
    """
    old = Upload.objects.filter(created_at__lt=Now() - ABANDONED_AFTER).select_related("project")
    reading = set(DatasetVersion.objects.filter(state=VersionState.INGESTING).values_list("source__upload_id", flat=True))
    abandoned = [upload for upload in old if upload.id not in reading and _untouched(storage.upload_dir(upload.id))]
    for upload in abandoned:
        _forget(upload)
    known = set(Upload.objects.values_list("id", flat=True))
    for path in _upload_files():
        if path.name not in known and _untouched(path):
            _remove(path)
    return len(abandoned)


def remove_rows_of_failed_versions() -> int:
    """Removes what refused and cancelled versions have on disk: their jobs were killed before they could do it."""
    ended = DatasetVersion.objects.filter(state__in=(VersionState.REFUSED, VersionState.CANCELLED))
    removed = 0
    for dataset_id, version_id in ended.values_list("dataset_id", "id").iterator():
        parent = storage.dataset_dir(dataset_id)
        for path in (*parent.glob(f".{version_id}-*"), storage.version_dir(dataset_id, version_id)):
            if path.exists():
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed


@transaction.atomic
def _forget(upload: Upload) -> None:
    audit(upload.project, None, "upload.forget", upload.id, {"filename": upload.filename})
    directory = storage.upload_dir(upload.id)
    upload.delete()
    transaction.on_commit(lambda: shutil.rmtree(directory, ignore_errors=True))


def _upload_files() -> Iterator[Path]:
    """Every directory of an upload, and every waiting request body."""
    incoming = Path(settings.FILE_UPLOAD_TEMP_DIR)
    for folder in {storage.upload_dir("x").parent, incoming}:
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if path != incoming)


def _untouched(path: Path) -> bool:
    """True when neither `path` nor a file in it has changed for as long; also when there is none."""
    try:
        newest = max(one.stat().st_mtime for one in (path, *path.iterdir())) if path.is_dir() else path.stat().st_mtime
    except FileNotFoundError:
        return True
    return newest < time.time() - ABANDONED_AFTER.total_seconds()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
