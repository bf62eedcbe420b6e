"""Bytes arrive in pieces, in order, once, and nothing of a refused piece stays."""

import errno
import fcntl
import hashlib
import os
import shutil
from typing import Any

import pytest

from runs.accounts.access import Role
from runs.datasets import storage
from tests.datasets.desk import Desk, jsonl

CONTENT = jsonl(*({"prompt": f"{n}+1=", "completion": str(n + 1)} for n in range(50)))


def send(desk: Desk, upload: str, offset: int, body: bytes, who: str = Role.EDITOR) -> Any:
    return desk.call("PATCH", f"/uploads/{upload}", body, who=who, **{"Upload-Offset": str(offset)})


def test_pieces_of_any_size_make_the_file_byte_for_byte(desk: Desk) -> None:
    upload = desk.begin(len(CONTENT))
    for start, end in ((0, 1), (1, 700), (700, 701), (701, len(CONTENT))):
        assert send(desk, upload, start, CONTENT[start:end]).json()["offset"] == end
    assert storage.upload_path(upload).read_bytes() == CONTENT
    assert desk.get(f"/uploads/{upload}")["state"] == "received"


def test_the_inspection_starts_by_itself_and_tells_the_hash(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    assert upload["state"] == "inspected"
    assert upload["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert upload["inspection"]["detected"]["kind"] == "demonstration"


@pytest.mark.parametrize("offset", [0, 99, 101, 10**12])
def test_a_wrong_offset_is_answered_with_the_right_one(desk: Desk, offset: int) -> None:
    upload = desk.begin(len(CONTENT))
    send(desk, upload, 0, CONTENT[:100])
    answer = send(desk, upload, offset, CONTENT[100:])
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_offset")
    assert answer.json()["errors"] == [{"field": "Upload-Offset", "message": "100"}]
    assert send(desk, upload, 100, CONTENT[100:]).json()["state"] == "received"


def test_bytes_past_the_announced_size_are_refused_and_the_rest_can_follow(desk: Desk) -> None:
    upload = desk.begin(len(CONTENT))
    assert send(desk, upload, 0, CONTENT + b"x").status_code == 413
    assert desk.get(f"/uploads/{upload}")["offset"] == 0
    assert send(desk, upload, 0, CONTENT).json()["state"] == "received"


def test_bytes_a_lost_request_wrote_beyond_the_offset_are_overwritten(desk: Desk) -> None:
    upload = desk.begin(len(CONTENT))
    send(desk, upload, 0, CONTENT[:100])
    with storage.part_path(upload).open("ab") as file:
        file.write(b"half a chunk that nobody was told of")
    send(desk, upload, 100, CONTENT[100:])
    assert storage.upload_path(upload).read_bytes() == CONTENT


def test_two_pieces_at_once_are_told_apart(desk: Desk) -> None:
    upload = desk.begin(len(CONTENT))
    with (storage.upload_dir(upload) / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert send(desk, upload, 0, CONTENT).json()["code"] == "upload_busy"
    assert send(desk, upload, 0, CONTENT).json()["state"] == "received"


def test_a_full_disk_is_named_and_costs_only_the_piece(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = desk.begin(len(CONTENT))
    send(desk, upload, 0, CONTENT[:100])
    write = os.write

    def full(file: int, block: Any) -> int:
        write(file, bytes(block)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        answer = send(desk, upload, 100, CONTENT[100:])
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert storage.part_path(upload).stat().st_size == 100
    assert send(desk, upload, 100, CONTENT[100:]).json()["state"] == "received"


def test_a_file_larger_than_the_free_disk_is_refused_before_a_byte_is_sent(desk: Desk) -> None:
    size = shutil.disk_usage("/").free + 2**40
    desk_limit = desk.call("POST", f"/projects/{desk.project.id}/uploads", {"filename": "x", "size_bytes": size})
    assert desk_limit.status_code in (422, 507)


def test_a_file_over_the_sites_limit_is_refused_with_both_sizes(desk: Desk, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1024
    answer = desk.call("POST", f"/projects/{desk.project.id}/uploads", {"filename": "x", "size_bytes": 4096})
    assert answer.status_code == 422
    assert "4.0 KiB" in answer.json()["detail"]
    assert "1.0 KiB" in answer.json()["detail"]


def test_a_whole_upload_is_not_written_twice(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    assert send(desk, upload["id"], len(CONTENT), b"").json()["offset"] == len(CONTENT)
    assert send(desk, upload["id"], 0, CONTENT).status_code == 409


def test_a_deleted_upload_leaves_no_file(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    upload = desk.send(CONTENT)
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.call("DELETE", f"/uploads/{upload['id']}").status_code == 204
    assert not storage.upload_dir(upload["id"]).exists()
    assert desk.call("GET", f"/uploads/{upload['id']}").status_code == 404


def test_the_preview_shows_three_rows_as_they_will_be_read(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    mapping = {"kind": "demonstration", "shape": "columns", "columns": {"prompt": "prompt", "completion": "completion"}}
    rows = desk.call("POST", f"/uploads/{upload['id']}/preview", {"mapping": mapping}).json()["rows"]
    assert [(row["line"], row["record"]["completion"]) for row in rows] == [(1, "1"), (2, "2"), (3, "3")]


def test_the_preview_names_what_a_mapping_cannot_read(desk: Desk) -> None:
    upload = desk.send(CONTENT)
    mapping = {"kind": "prompt_answer", "shape": "columns", "columns": {"prompt": "prompt", "answer": "label"}}
    rows = desk.call("POST", f"/uploads/{upload['id']}/preview", {"mapping": mapping}).json()["rows"]
    assert rows[0]["record"] is None
    assert rows[0]["faults"][0]["field"] == "label"
    assert "missing" in rows[0]["faults"][0]["message"]


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"kind": "text", "shape": "nowhere"}, "mapping.shape"),
        ({"kind": "text", "shape": "verl"}, "mapping.kind"),
        ({"kind": "text", "shape": "columns"}, "mapping.columns.text"),
        ({"kind": "text", "shape": "columns", "columns": {"text": "a", "chosen": "b"}}, "mapping.columns.chosen"),
    ],
)
def test_an_impossible_mapping_is_refused_by_field(desk: Desk, mapping: dict[str, Any], field: str) -> None:
    upload = desk.send(CONTENT)
    answer = desk.call("POST", f"/uploads/{upload['id']}/preview", {"mapping": mapping})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
