"""Runs over REST: what a member may do, and that a stranger learns nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from runs.accounts.access import Role
from runs.accounts.models import Membership, Project
from runs.launches.models import Checkpoint, Run
from tests.launches.builders import draft_of, make_actor, make_project, make_run, make_worker

API = "/api/v1"


@pytest.fixture
def project(db: None) -> Project:
    return make_project(make_actor())


def call(method: str, path: str, body: Any = None, who: str = "ada@example.org") -> Any:
    client = Client()
    client.force_login(make_actor(who).user)
    data = "" if body is None else json.dumps(body)
    return client.generic(method, f"{API}{path}", data, content_type="application/json")


def launch(project: Project, **values: Any) -> Any:
    return call("POST", f"/projects/{project.id}/runs", draft_of(project, **values).model_dump(mode="json")).json()


def test_a_run_is_launched_read_edited_and_cancelled(project: Project) -> None:
    run = launch(project, name="first", tags=["A", "a", " b "])
    assert (run["state"], run["tags"], run["attempts"]) == ("queued", ["a", "b"], [])
    assert call("PATCH", f"/runs/{run['id']}", {"name": "second", "notes": "hm"}).json()["name"] == "second"
    cancelled: HttpResponse = call("POST", f"/runs/{run['id']}/control", {"type": "cancel"})
    assert cancelled.status_code == 202
    history = call("GET", f"/runs/{run['id']}/history").json()
    assert [(change["from"], change["to"]) for change in history][-1] == ("queued", "cancelled")
    assert call("POST", f"/runs/{run['id']}/retry").json()["state"] == "queued"


def test_a_control_the_state_forbids_is_a_conflict_that_says_so(project: Project) -> None:
    run = make_run(project=project)
    answer = call("POST", f"/runs/{run.id}/control", {"type": "pause"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert "cancel it" in answer.json()["detail"]


def test_a_faulty_draft_is_answered_field_by_field(project: Project) -> None:
    answer = call("POST", f"/projects/{project.id}/runs", {"method": "sft-instruct"})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"models.policy", "datasets.train"}


def test_a_clone_s_draft_can_be_launched_as_it_is(project: Project) -> None:
    run = launch(project, name="first")
    draft = call("GET", f"/runs/{run['id']}/draft").json()
    clone = call("POST", f"/projects/{project.id}/runs", draft)
    assert clone.status_code == 201
    assert clone.json()["draft"]["cloned_from"] == run["id"]
    assert clone.json()["spec"]["config"] == run["spec"]["config"]


def test_a_deleted_run_is_out_of_the_list_and_comes_back(project: Project) -> None:
    run = make_run(project=project, state="failed")
    assert call("DELETE", f"/runs/{run.id}").status_code == 204
    assert call("GET", f"/projects/{project.id}/runs").json()["items"] == []
    call("POST", f"/runs/{run.id}/restore")
    assert [item["id"] for item in call("GET", f"/projects/{project.id}/runs").json()["items"]] == [run.id]


def test_a_running_run_is_not_deleted(project: Project) -> None:
    assert call("DELETE", f"/runs/{make_run(project=project, state='running').id}").status_code == 409


@pytest.mark.parametrize("sort", ["-created_at", "name", "-metric:reward", "metric:reward", "-started_at"])
def test_pages_hold_every_run_once_in_any_order(project: Project, sort: str) -> None:
    made = {make_run(project=project, name=f"r{i % 3}", metrics={"reward": i / 4} if i % 2 else {}).id for i in range(7)}
    seen, cursor = [], ""
    while True:
        page = call("GET", f"/projects/{project.id}/runs?limit=2&sort={sort}{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(made)
    assert set(seen) == made


ROUTES = [
    ("GET", "/runs/{run}", None),
    ("PATCH", "/runs/{run}", {"name": "mine"}),
    ("DELETE", "/runs/{run}", None),
    ("POST", "/runs/{run}/restore", None),
    ("POST", "/runs/{run}/start", None),
    ("POST", "/runs/{run}/control", {"type": "cancel"}),
    ("POST", "/runs/{run}/retry", None),
    ("GET", "/runs/{run}/draft", None),
    ("GET", "/runs/{run}/history", None),
    ("GET", "/runs/{run}/checkpoints", None),
    ("POST", "/checkpoints/{checkpoint}/register", {"name": "mine"}),
    ("GET", "/projects/{project}/runs", None),
    ("GET", "/projects/{project}/jobs", None),
    ("POST", "/projects/{project}/runs", {"method": "sft-instruct"}),
]


def filled(path: str, run: Run) -> str:
    saved, _ = Checkpoint.objects.get_or_create(
        run=run, attempt=1, step=1, defaults={"path": "/x", "size_bytes": 1, "reason": "asked", "manifest_hash": ""}
    )
    return path.format(run=run.id, project=run.project_id, checkpoint=saved.id)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_stranger_gets_404_and_nothing_changes(project: Project, method: str, path: str, body: Any) -> None:
    run = make_run(project=project, state="failed")
    assert call(method, filled(path, run), body, who="eve@example.org").status_code == 404
    assert Client().generic(method, API + filled(path, run)).status_code == 401
    after = Run.objects.get(id=run.id)
    assert (after.name, after.state, after.deleted_at) == (run.name, "failed", None)


@pytest.mark.parametrize(("method", "path", "body"), [route for route in ROUTES if route[0] != "GET"])
def test_a_viewer_looks_but_does_not_touch(project: Project, method: str, path: str, body: Any) -> None:
    Membership.objects.create(project=project, user=make_actor("bob@example.org").user, role=Role.VIEWER)
    run = make_run(project=project, state="failed")
    assert call(method, filled(path, run), body, who="bob@example.org").status_code == 403
    assert Run.objects.count() == 1


def test_a_checkpoint_whose_files_are_removed_is_not_listed_and_cannot_be_taken(project: Project, tmp_path: Path) -> None:
    run = make_run(project=project)
    facts = {"attempt": 1, "size_bytes": 1, "reason": "interval", "manifest_hash": ""}
    gone, kept = (Checkpoint.objects.create(run=run, step=step, path=str(tmp_path / str(step)), **facts) for step in (5, 10))
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "manifest.json").write_text("{}")
    assert [one["id"] for one in call("GET", f"/runs/{run.id}/checkpoints").json()] == [kept.id]
    answer = call("POST", f"/checkpoints/{gone.id}/register", {"name": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (409, "checkpoint_gone")
    assert "step 5" in answer.json()["detail"]
    assert "save_total_limit" in answer.json()["detail"]


def test_workers_are_listed_with_what_they_have(project: Project) -> None:
    make_worker(slots=2)
    answer = call("GET", "/workers").json()
    assert [(worker["host"], worker["slots"], worker["online"], worker["running"]) for worker in answer] == [("ant", 2, True, [])]


@pytest.mark.parametrize("limit", [0, -1, 201, "x"])
def test_a_page_size_out_of_bounds_is_refused(project: Project, limit: object) -> None:
    assert call("GET", f"/projects/{project.id}/runs?limit={limit}").status_code == 422
