"""Requests made by hand to break the server: each is refused with a reason, and none ends in a failure of ours."""

import asyncio
import base64
import json
import tempfile
from typing import Any

import pytest
from django.test import Client

from lodestar import bodies
from lodestar.asgi import application
from runs.accounts import secrets
from runs.accounts.access import Actor, Scope
from runs.accounts.models import Project
from runs.accounts.services import create_project, create_user
from runs.datasets.models import Dataset
from runs.launches.models import Run


@pytest.fixture
def project(db: None) -> Project:
    return create_project(Actor(create_user(email="ada@example.org")), name="Sums")


@pytest.fixture
def caller(project: Project) -> Client:
    _, secret = secrets.create_token(Actor(project.memberships.get().user), name="test", scopes=list(Scope))
    return Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


@pytest.fixture
def lists(project: Project) -> list[str]:
    """A list of each kind of order, each with a row in it."""
    run = Run.objects.create(project=project, name="a", method="sft-instruct", spec={}, metrics={"loss": 1.0})
    dataset = Dataset.objects.create(project=project, name="a")
    runs = f"/api/v1/projects/{project.id}/runs"
    return [
        runs, f"{runs}?sort=step", f"{runs}?sort=-priority", f"{runs}?sort=metric:loss", f"{runs}?sort=name",
        f"/api/v1/projects/{project.id}/audit", f"/api/v1/datasets/{dataset.id}/versions",
        f"/api/v1/runs/{run.id}/rollouts", f"/api/v1/runs/{run.id}/rollouts?sort=reward",
    ]  # fmt: skip


CURSORS: list[Any] = [
    ["abc", "x"], [5, "x"], [True, True], [["a"], {}], {"t": 1}, 7, None, [10**40, 10**40], [-(2**63) - 1, 5], [1.5, 2.5],
    [{"t": "2026-01-01T00:00:00+00:00"}, {"t": "2026-01-01T00:00:00+00:00"}], [{"t": 5}, "x"], [{"u": 5}, "x"],
    [{"t": "0001-01-01T00:00:00+23:59"}, "x"], [{"t": "9999-12-31T23:59:59-23:59"}, "x"], [float("nan"), "x"],
    [float("inf"), 1], ["\x00", "\x00"], ["\ud800", "\ud800"], [], ["x"] * 50, ["x" * 5000, "x"],
]  # fmt: skip


@pytest.mark.parametrize("text", [json.dumps(cursor) for cursor in CURSORS] + ["[" * 1400, "[" * 20_000, "\xff", ""])
def test_a_cursor_that_is_not_ours_is_refused(caller, lists, text):
    cursor = base64.urlsafe_b64encode(text.encode("latin-1")).decode().rstrip("=")
    for path in lists:
        answer = caller.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert answer.status_code in (200, 422), path
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["field"] == "cursor"


def nested(levels: int) -> str:
    return '{"config":{"a":' + "[" * levels + "]" * levels + "}}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"config":{"learning_rate":NaN}}', None),
        ('{"config":{"learning_rate":-Infinity}}', None),
        ('{"config":{"learning_rate":1e999}}', "config.learning_rate"),
        ('{"config":{"group_size":99999999999999999999}}', "config.group_size"),
        ('{"config":{"a":["ok","half \\ud800"]}}', "config.a.1"),
        ('{"config":{"a":"nothing \\u0000"}}', "config.a"),
        ('{"config":{"half \\udc00":1}}', "config"),
        (nested(100), "config.a" + ".0" * 63),
        (nested(900), "config.a" + ".0" * 63),
    ],
)
def test_a_body_that_no_database_can_hold_is_refused_by_field(caller, project, body, field):
    for path in ("algorithms/grpo/validate", f"projects/{project.id}/preflight", f"projects/{project.id}/algorithm-configs"):
        answer = caller.post(f"/api/v1/{path}", body, content_type="application/json")
        assert answer.status_code == 422, path
        assert "NaN" not in answer.content.decode() or "no JSON number" in answer.json()["detail"]
        assert field is None or answer.json()["errors"][0]["field"][:200] == field[:200]


@pytest.mark.parametrize("body", [nested(5000), "[" * 100_000, '{"a":' + "9" * 5000 + "}", "{", '"\udcff"'])
def test_a_body_that_is_no_json_is_refused(caller, body):
    answer = caller.post("/api/v1/projects", body.encode("utf-8", "surrogateescape"), content_type="application/json")
    assert answer.status_code == 400


def test_a_body_over_the_limit_is_refused_as_such(caller, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = caller.post("/api/v1/projects", {"name": "x" * 1000}, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_an_address_with_nul_or_without_end_is_refused(caller, project):
    runs = f"/api/v1/projects/{project.id}/runs"
    for path in (f"{runs}?tag=%00", f"{runs}?q=a%00"):
        assert caller.get(path).status_code == 422, path
    for path in ("/api/v1/runs/run%00", "/api/v1/jobs/%00"):
        assert caller.get(path).status_code == 404, path
    assert caller.get(f"{runs}?tag={'a' * 60_000}").status_code == 414
    for query in (f"tag={'%25' * 10_000}", f"state={'x,' * 10_000}", f"sort=metric:{'a' * 20_000}", "sort=metric:a%22b%5C"):
        assert caller.get(f"{runs}?{query}").status_code in (200, 422)


def test_more_event_types_than_there_are_is_refused(caller, project):
    run = Run.objects.create(project=project, name="a", method="sft-instruct", spec={})
    many = ",".join(f"t{number}" for number in range(2000))
    assert caller.get(f"/api/v1/runs/{run.id}/events?types={many}").status_code == 422
    assert caller.get(f"/api/v1/runs/{run.id}/events?types=log,log,metrics").status_code == 200


def scope(method: str, path: str, **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "http",
        "headers": [(b"host", b"testserver"), *named], "http_version": "1.1", "root_path": "", "client": ("1.2.3.4", 5),
    }  # fmt: skip


async def said(application: Any, asked: dict[str, Any], pieces: list[bytes]) -> tuple[int, int]:
    """The answer's status, and how many pieces of the body were taken."""
    taken = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken >= len(pieces):
            await asyncio.sleep(60)
        taken += 1
        return {"type": "http.request", "body": pieces[taken - 1], "more_body": taken < len(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(asked, receive, send)
    return sent[0]["status"], taken


@pytest.mark.django_db(transaction=True)
async def test_nobody_fills_the_disk_before_saying_who_they_are(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    pieces = [b"x" * 100] * 100
    assert await said(application, scope("POST", "/api/v1/session", content_length="10000"), pieces) == (413, 0)
    assert await said(application, scope("POST", "/api/v1/session"), pieces) == (413, 11)
    assert await said(application, scope("POST", "/"), pieces) == (413, 11)
    assert (await said(application, scope("POST", "/api/v1/session", content_length="1000"), pieces[:10]))[0] == 400


@pytest.mark.django_db(transaction=True)
async def test_a_piece_of_a_file_may_be_larger_than_a_document(settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    monkeypatch.setattr(bodies, "LARGEST_CHUNK_BYTES", 5000)
    piece = scope("PATCH", "/api/v1/uploads/upl_x", upload_offset="0")
    assert (await said(application, piece, [b"x" * 4000]))[0] == 401
    assert await said(application, piece, [b"x" * 100] * 100) == (413, 51)


def test_bodies_on_their_way_in_wait_on_the_state_directorys_disk(settings):
    assert tempfile.gettempdir() == str(settings.FILE_UPLOAD_TEMP_DIR)
