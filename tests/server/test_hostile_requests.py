"""Requests made by hand to break the server: each is refused with a reason, and none ends in a failure of ours."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

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


@pytest.mark.parametrize("text", [json.dumps(cursor) for cursor in CURSORS] + ["[" * 1400, "[" * 40_000, "\xff", ""])
def test_a_cursor_that_is_not_ours_is_refused(caller, lists, text):
    cursor = base64.urlsafe_b64encode(text.encode("latin-1")).decode().rstrip("=")
    for path in lists:
        answer = caller.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert answer.status_code in (200, 422), path
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["field"] == "cursor"
