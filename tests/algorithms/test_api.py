import gzip
import json
from typing import Any

import pytest
from django.test import Client

from runs.accounts.access import Role
from runs.accounts.models import AuditEntry, Membership, Project, User
from runs.algorithms.models import AlgorithmConfig
from runs.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Sums")


def signed_in(project: Project | None, role: Role = Role.EDITOR) -> Client:
    user = User.objects.create(email=f"{role}-{User.objects.count()}@example.org", name="Ada")
    if project:
        Membership.objects.create(project=project, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def sent(client: Client, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    answer = client.generic(method, f"/api/v1{path}", json.dumps(body), content_type="application/json")
    return answer.status_code, json.loads(answer.content or b"{}")


def saved(client: Client, project: Project, **fields: object) -> tuple[int, dict[str, Any]]:
    given = {"name": "gentle", "method": "grpo", "config": {"learning_rate": 1e-5}, **fields}
    return sent(client, "POST", f"/projects/{project.id}/algorithm-configs", given)


def test_the_catalogue_is_answered_once_and_then_only_confirmed(project: Project) -> None:
    client = signed_in(project)
    first = client.get("/api/v1/algorithms")
    assert [method["slug"] for method in first.json()["methods"]] == ["grpo", "sft"]
    assert first.json()["workers_missing"] == ["grpo", "sft"]
    again = client.get("/api/v1/algorithms", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_catalogue_travels_packed_to_who_can_unpack_it(project: Project) -> None:
    client = signed_in(project)
    packed = client.get("/api/v1/algorithms", headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content)) == client.get("/api/v1/algorithms").json()
    again = client.get("/api/v1/algorithms", headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
    assert again.status_code == 304


def test_a_strangers_browser_gets_no_catalogue() -> None:
    assert Client().get("/api/v1/algorithms").status_code == 401


def test_one_method_is_answered_and_an_unknown_one_is_not_found(project: Project) -> None:
    client = signed_in(project)
    assert client.get("/api/v1/algorithms/sft").json()["title"] == "SFT"
    assert client.get("/api/v1/algorithms/sfft").status_code == 404


def test_a_config_is_checked_and_completed(project: Project) -> None:
    status, answer = sent(signed_in(project), "POST", "/algorithms/grpo/validate", {"config": {"max_length": 64}})
    assert (status, answer["valid"], answer["config"]["estimator"]) == (200, True, "k3")


def test_a_faulty_config_and_reward_are_told_field_by_field(project: Project) -> None:
    term = {"name": "correct", "kind": "numeric_match", "params": {"tolerance": -1}}
    body = {"config": {"max_length": 1}, "reward": {"terms": [term]}}
    _, answer = sent(signed_in(project), "POST", "/algorithms/grpo/validate", body)
    assert [error["field"] for error in answer["errors"]] == ["max_length", "reward.terms.0.params.tolerance"]
    assert answer["config"] == {"max_length": 1}


def test_a_config_is_saved_listed_changed_and_deleted(project: Project) -> None:
    client = signed_in(project)
    status, config = saved(client, project)
    assert (status, config["config"], config["project_id"]) == (201, {"learning_rate": 1e-5}, project.id)
    _, changed = sent(client, "PATCH", f"/algorithm-configs/{config['id']}", {"name": "bold", "config": {"learning_rate": 0.1}})
    assert (changed["name"], changed["config"], changed["method"]) == ("bold", {"learning_rate": 0.1}, "grpo")
    assert sent(client, "DELETE", f"/algorithm-configs/{config['id']}")[0] == 204
    assert client.get(f"/api/v1/projects/{project.id}/algorithm-configs").json()["items"] == []
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "algorithm_config.create", "algorithm_config.edit", "algorithm_config.delete",
    ]


def test_a_config_out_of_bounds_is_refused_and_nothing_is_kept(project: Project) -> None:
    status, problem = saved(signed_in(project), project, config={"learning_rate": 7})
    assert (status, problem["errors"][0]["field"]) == (422, "config.learning_rate")
    assert not AlgorithmConfig.objects.exists()


def test_a_change_that_breaks_a_saved_config_is_refused(project: Project) -> None:
    client = signed_in(project)
    _, config = saved(client, project)
    assert sent(client, "PATCH", f"/algorithm-configs/{config['id']}", {"config": {"estimator": "k9"}})[0] == 422
    assert AlgorithmConfig.objects.get().config == {"learning_rate": 1e-5}


def test_strangers_find_no_configs_and_viewers_change_none(project: Project) -> None:
    _, config = saved(signed_in(project), project)
    stranger, viewer = signed_in(None), signed_in(project, Role.VIEWER)
    assert saved(stranger, project)[0] == 404
    assert stranger.get(f"/api/v1/algorithm-configs/{config['id']}").status_code == 404
    assert viewer.get(f"/api/v1/algorithm-configs/{config['id']}").status_code == 200
    assert sent(viewer, "DELETE", f"/algorithm-configs/{config['id']}")[0] == 403


def test_an_identical_draft_is_checked_once_whatever_it_is_called(project: Project) -> None:
    client, path = signed_in(project), f"/projects/{project.id}/preflight"
    _, first = sent(client, "POST", path, {"method": "grpo", "config": {"max_length": 64}, "name": "one"})
    _, same = sent(client, "POST", path, {"config": {"max_length": 64}, "method": "grpo", "name": "two"})
    _, other = sent(client, "POST", path, {"method": "grpo", "config": {"max_length": 65}})
    assert first["kind"] == "preflight"
    assert same["id"] == first["id"] != other["id"]


def test_a_check_that_met_something_unready_is_made_anew(project: Project) -> None:
    client, path = signed_in(project), f"/projects/{project.id}/preflight"
    _, first = sent(client, "POST", path, {"method": "grpo"})
    for code, again in (("cut", False), ("draft", True)):
        result = {"ready": False, "findings": [{"level": "error", "code": code, "message": ""}]}
        Job.objects.filter(id=first["id"]).update(state="succeeded", result=result)
        assert (sent(client, "POST", path, {"method": "grpo"})[1]["id"] != first["id"]) is again


def test_a_check_that_failed_is_made_anew(project: Project) -> None:
    client, path = signed_in(project), f"/projects/{project.id}/preflight"
    _, first = sent(client, "POST", path, {"method": "grpo"})
    Job.objects.filter(id=first["id"]).update(state="failed")
    assert sent(client, "POST", path, {"method": "grpo"})[1]["id"] != first["id"]
