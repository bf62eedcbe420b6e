"""Who is no member finds nothing, a viewer judges nothing, an annotator sees their own work and whose answers it is not."""

import re
from typing import Any

import pytest

from lodestar.api import api
from runs.accounts.models import Membership, User
from tests.annotation.bench import Bench, pairs
from tests.annotation.test_campaigns import answer, samples
from tests.datasets.desk import Desk

SOURCE = {"kind": "dataset", "version_id": "dsv_x"}
# (method, path, body, the least role that may)
ROUTES: list[tuple[str, str, Any, str]] = [
    ("POST", "/projects/{project}/campaigns", {"name": "A", "source": SOURCE}, "editor"),
    ("GET", "/projects/{project}/campaigns", None, "viewer"),
    ("POST", "/projects/{project}/campaign-preview", {"source": SOURCE}, "editor"),
    ("GET", "/campaigns/{campaign}", None, "viewer"),
    ("PATCH", "/campaigns/{campaign}", {"name": "B"}, "editor"),
    ("DELETE", "/campaigns/{campaign}", None, "editor"),
    ("POST", "/campaigns/{campaign}/restore", {}, "editor"),
    ("POST", "/campaigns/{campaign}/finish", {}, "editor"),
    ("POST", "/campaigns/{campaign}/reopen", {}, "editor"),
    ("POST", "/campaigns/{campaign}/tasks", {}, "annotator"),
    ("POST", "/campaigns/{campaign}/judgments", {"task_id": "{task}", "client_id": "abcdefgh", "verdict": "a"}, "annotator"),
    ("POST", "/campaigns/{campaign}/undo", {}, "annotator"),
    ("GET", "/campaigns/{campaign}/progress", None, "viewer"),
    ("GET", "/campaigns/{campaign}/overview", None, "not annotator"),
    ("GET", "/campaigns/{campaign}/review", None, "not annotator"),
    ("POST", "/campaigns/{campaign}/tasks/{task}/resolution", {"verdict": "a"}, "editor"),
    ("GET", "/campaigns/{campaign}/export-counts", None, "not annotator"),
    ("POST", "/campaigns/{campaign}/exports", {}, "editor"),
    ("GET", "/campaigns/{campaign}/exports", None, "not annotator"),
    ("GET", "/campaign-exports/{export}", None, "not annotator"),
    ("GET", "/campaign-exports/{export}/file", None, "not annotator"),
]
MAY = {"viewer": {"viewer", "not annotator"}, "annotator": {"viewer", "annotator"}}


@pytest.fixture
def ids(bench: Bench) -> dict[str, str]:
    campaign = bench.campaign(3)
    task, *_ = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", task)
    made = bench.at(campaign, "exports", {}, status=201)
    return {"project": bench.project.id, "campaign": campaign["id"], "task": task["id"], "export": made["id"]}


@pytest.mark.parametrize(("method", "path", "body", "least"), ROUTES)
def test_each_role_gets_what_is_theirs(bench, ids, method, path, body, least):
    sent = {key: value.format(**ids) if isinstance(value, str) else value for key, value in body.items()} if body else body
    assert bench.call(method, path.format(**ids), sent, who="stranger").status_code == 404
    for role, may in MAY.items():
        status = bench.call(method, path.format(**ids), sent, who=role).status_code
        assert (status != 403) == (least in may), f"{role} got {status}"


def test_every_route_of_the_room_is_in_the_list():
    served = {
        f"{method.upper()} {re.sub('{[a-z_]+}', '{}', path.removeprefix('/api/v1'))}"
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
        if "annotation" in operation.get("tags", [])
    }
    assert {f"{method} {re.sub('{[a-z]+}', '{}', path)}" for method, path, _, _ in ROUTES} == served


def test_annotators_do_not_learn_whose_answers_they_compare(bench):
    campaign = bench.campaign(2)
    at = f"/campaigns/{campaign['id']}"
    assert bench.call("GET", at, who="viewer").json()["source"]["kind"] == "dataset"
    assert bench.call("GET", at, who="ann").json()["source"] is None
    [listed] = bench.call("GET", f"/projects/{bench.project.id}/campaigns", who="ann").json()["items"]
    assert listed["source"] is None


def test_nothing_that_an_annotator_is_sent_names_a_model(bench, tmp_path):
    said = [answer("2", "mdl_secret"), answer("3", "mdl_secret")]
    made = samples(bench, tmp_path / "s", *({"row": row, "prompt": f"1+{row}=", "answers": said} for row in range(2)))
    campaign = bench.try_campaign({"kind": "samples", "artifact_ids": [made]}).json()
    at = f"/campaigns/{campaign['id']}"
    handed = bench.call("POST", f"{at}/tasks", {"want": 5}, who="ann")
    task, _ = handed.json()["tasks"]
    assert set(task) == {"id", "number", "prompt", "a", "b", "version", "lease_until"}
    judgment = {"task_id": task["id"], "client_id": "abcdefgh", "verdict": "a", "want": 5}
    sent = [handed, bench.call("POST", f"{at}/judgments", judgment, who="ann"), bench.call("POST", f"{at}/undo", {}, who="ann"),
            bench.call("GET", at, who="ann"), bench.call("GET", f"{at}/progress", who="ann")]
    for reply in sent:
        assert reply.status_code < 300, reply.content
        assert not re.search(rf"secret|model|step|known|swapped|{made}", reply.content.decode(), re.IGNORECASE)


def test_a_campaign_cannot_reach_into_another_project(bench):
    other = Desk()
    version = bench.version(*pairs(2))
    run_elsewhere = {"kind": "rollouts", "run_id": "run_elsewhere"}
    assert bench.try_campaign(run_elsewhere).status_code == 422
    body = {"name": "A", "source": {"kind": "dataset", "version_id": version["id"]}}
    Membership.objects.create(project=other.project, user=User.objects.get(email="editor@example.org"), role="editor")
    answer = bench.call("POST", f"/projects/{other.project.id}/campaigns", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "source.version_id")


def test_an_empty_change_changes_nothing(bench):
    campaign = bench.campaign(1)
    assert bench.call("PATCH", f"/campaigns/{campaign['id']}", {}).json()["name"] == "Sums"
