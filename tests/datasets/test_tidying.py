"""What is cleaned away by itself, and what is not."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from runs.accounts.models import AuditEntry
from runs.datasets import services, storage
from runs.datasets.models import DatasetVersion, Upload
from tests.datasets.desk import Desk, jsonl
from workers.agent.sweeper import tidy

CONTENT = jsonl(*({"prompt": f"{i}+1=", "completion": str(i + 1)} for i in range(5)))
OLD = timedelta(days=8)


def age(path: Path) -> None:
    """As if nobody had touched it since."""
    then = time.time() - OLD.total_seconds()
    for one in [*path.rglob("*"), path]:
        os.utime(one, (then, then))


def aged(upload: str) -> Path:
    Upload.objects.filter(id=upload).update(created_at=timezone.now() - OLD)
    age(storage.upload_dir(upload))
    return storage.upload_dir(upload)


def test_an_upload_left_half_way_is_forgotten_after_a_week(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    old, fresh = desk.begin(len(CONTENT)), desk.begin(len(CONTENT))
    for upload in (old, fresh):
        desk.call("PATCH", f"/uploads/{upload}", CONTENT[:10], **{"Upload-Offset": "0"})
    directory = aged(old)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.forget_abandoned_uploads() == 1
    assert not directory.exists()
    assert desk.call("GET", f"/uploads/{old}").status_code == 404
    assert desk.get(f"/uploads/{fresh}")["offset"] == 10
    assert AuditEntry.objects.filter(action="upload.forget", subject_id=old).exists()


def test_one_that_still_grows_is_kept_however_long_it_takes(desk: Desk) -> None:
    upload = desk.begin(len(CONTENT))
    aged(upload)
    desk.call("PATCH", f"/uploads/{upload}", CONTENT[:10], **{"Upload-Offset": "0"})
    assert services.forget_abandoned_uploads() == 0
    assert desk.get(f"/uploads/{upload}")["offset"] == 10


def test_a_version_keeps_its_rows_when_its_upload_is_forgotten(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    version = desk.ingest(upload)
    aged(upload["id"])
    assert services.forget_abandoned_uploads() == 1
    assert len(desk.rows(version)) == 5


def test_an_upload_that_a_version_waits_for_is_kept(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    body = {"name": "Rows", "source": {"upload_id": upload["id"]}, "mapping": None, "splits": {"mode": "none"}}
    made = desk.post(f"/projects/{desk.project.id}/datasets", body)
    aged(upload["id"])
    assert services.forget_abandoned_uploads() == 0
    desk.work(made["job"]["id"])
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["state"] == "ready"


def test_files_that_no_row_knows_go_too(desk: Desk, settings: Any) -> None:
    incoming = settings.HOME / "uploads" / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR = incoming
    incoming.mkdir(parents=True)
    body, fresh, orphan = incoming / "body.upload", incoming / "fresh.upload", storage.upload_dir("upl_gone")
    orphan.mkdir()
    for path in (body, fresh, orphan / "data"):
        path.write_bytes(b"x")
    age(body)
    age(orphan)
    tidy("wrk_test")
    assert (body.exists(), orphan.exists(), fresh.exists(), incoming.exists()) == (False, False, True, True)


def test_what_killed_ingests_left_of_a_refused_version_is_removed(desk: Desk) -> None:
    ready, refused = desk.ingest(desk.send(CONTENT)), desk.ingest(desk.send(CONTENT))
    version = DatasetVersion.objects.get(id=refused["id"])
    partial = storage.dataset_dir(version.dataset_id) / f".{version.id}-1"
    partial.mkdir()
    DatasetVersion.objects.filter(id=version.id).update(state="refused")
    tidy("wrk_test")
    assert list(storage.dataset_dir(version.dataset_id).iterdir()) == []
    assert len(desk.rows(ready)) == 5
