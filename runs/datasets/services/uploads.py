"""Bytes on their way in: appended in blocks, never held; what the database says is there is on disk for good."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit
from runs.datasets import storage
from runs.datasets.models import Upload, UploadState
from runs.jobs import services as jobs
from runs.problems import Conflict, FieldError, Invalid, Problem
from runs.sizes import size_words

BLOCK_BYTES = 2**20
RESERVE_BYTES = 64 * 2**20


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@transaction.atomic
def create_upload(project: Project, *, filename: str, size_bytes: int, actor: Actor | None) -> Upload:
    """Raises Problem when the file is empty, over the site's limit or the disk has no room for it."""
    if size_bytes == 0:
        message = "The file is empty. Send a file with rows."
        raise Invalid(message, [FieldError("size_bytes", message)])
    limit = settings.UPLOAD_LIMIT_BYTES
    if size_bytes > limit:
        sizes = f"The file has {size_words(size_bytes)}; the limit is {size_words(limit)}."
        message = f"{sizes} Split it, or raise LODESTAR_UPLOAD_LIMIT_BYTES."
        raise Invalid(message, [FieldError("size_bytes", message)])
    user = actor.user if actor else None
    upload = Upload.objects.create(project=project, created_by=user, filename=filename, size_bytes=size_bytes)
    _need_room(size_bytes)
    storage.upload_dir(upload.id).mkdir(parents=True)
    return upload


def receive(upload: Upload, *, offset: int, body: Readable) -> Upload:
    """Appends `body` at `offset`; the last byte starts the inspection.

    The bytes are on disk (fsync) before the offset says so, so a cut at any moment costs one chunk at most.
    Raises Problem: wrong offset (409), too many bytes (413), disk full (507), another chunk under way (409).
    """
    with _alone(upload):
        upload.refresh_from_db()
        _check_offset(upload, offset)
        if upload.state != UploadState.RECEIVING:
            return upload
        whole = storage.upload_path(upload.id)
        end = upload.size_bytes if whole.exists() else _append(upload, body)
        if end == upload.size_bytes and not whole.exists():
            storage.part_path(upload.id).rename(whole)
            _sync_directory(whole.parent)
        return _advance(upload, end)


@transaction.atomic
def delete_upload(upload: Upload, *, actor: Actor | None) -> None:
    """Versions made from it keep their own rows."""
    audit(upload.project, actor, "upload.delete", upload.id, {"filename": upload.filename})
    directory = storage.upload_dir(upload.id)
    upload.delete()
    transaction.on_commit(lambda: shutil.rmtree(directory, ignore_errors=True))


@contextmanager
def _alone(upload: Upload) -> Iterator[None]:
    """One chunk of an upload at a time, over all web processes of the host."""
    directory = storage.upload_dir(upload.id)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("wb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            detail = "Another chunk of this upload is being written. Ask for the offset and send from there."
            raise Conflict("upload_busy", detail) from None
        yield


def _check_offset(upload: Upload, offset: int) -> None:
    if offset == upload.offset:
        return
    message = f"The next byte to send is {upload.offset}, not {offset}. Send from Upload-Offset: {upload.offset}."
    raise Problem(status=409, code="wrong_offset", detail=message, errors=[FieldError("Upload-Offset", str(upload.offset))])


def _append(upload: Upload, body: Readable) -> int:
    """Writes `body` behind the bytes that count and answers the new end. On a fault the file is as it was."""
    file = os.open(storage.part_path(upload.id), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(file, upload.offset)
        os.lseek(file, upload.offset, os.SEEK_SET)
        written = _copy(body, file, room=upload.size_bytes - upload.offset)
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        os.ftruncate(file, upload.offset)
        raise _disk_full(upload.size_bytes - upload.offset) from error
    finally:
        os.close(file)
    return upload.offset + written


def _copy(body: Readable, file: int, *, room: int) -> int:
    """Bytes written. A short write is completed; what reaches past `room` is refused before it is written."""
    written = 0
    while block := body.read(BLOCK_BYTES):
        if written + len(block) > room:
            raise Problem(
                status=413,
                code="too_many_bytes",
                detail="The body reaches past the size that was announced. Send the rest only, or start a new upload.",
            )
        written += len(block)
        view = memoryview(block)
        while view:
            view = view[os.write(file, view) :]
    return written


@transaction.atomic
def _advance(upload: Upload, end: int) -> Upload:
    upload.offset = end
    if end == upload.size_bytes:
        upload.state = UploadState.RECEIVED
        job = jobs.enqueue(
            kind="dataset_inspect",
            project=upload.project,
            payload={"upload_id": upload.id},
            created_by=upload.created_by,
            subject_id=upload.id,
        )
        upload.job_id = job.id
    upload.save(update_fields=["offset", "state", "job_id"])
    return upload


def _need_room(size_bytes: int) -> None:
    if shutil.disk_usage(settings.HOME).free < size_bytes + RESERVE_BYTES:
        raise _disk_full(size_bytes)


def _disk_full(needed: int) -> Problem:
    free = shutil.disk_usage(settings.HOME).free
    sizes = f"Needs {size_words(needed)}; the server's disk has {size_words(free)} free."
    return Problem(status=507, code="disk_full", detail=f"{sizes} Delete old uploads or runs, then send again.")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
