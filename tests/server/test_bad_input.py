"""What people get wrong, as a script gets to hear it: problem+json that names the field, and says how to mend it.

Also in their rooms: malformed files (tests/datasets/test_malformed_files.py), hostile models (tests/library), a worker
killed in mid-run (tests/agent, test_fault_campaign.py), what only the engine can find (tests/engine/test_bad_input.py).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from runs.accounts import secrets
from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.datasets.models import Dataset
from runs.launches.models import Run
from runs.library.models import LibraryModel
from tests.datasets.desk import Desk, desk_at, jsonl
from tests.launches.builders import draft_of, make_actor, make_project

Call = Callable[..., Any]


@pytest.fixture
def desk(db: None, tmp_path: Path, settings: Any) -> Desk:
    return desk_at(tmp_path, settings)


@pytest.fixture
def project(desk: Desk) -> Project:
    return desk.project


def launch(desk: Desk, draft: dict[str, Any], **headers: str) -> Any:
    return desk.call("POST", f"/projects/{desk.project.id}/runs", draft, **headers)


def good(project: Project) -> dict[str, Any]:
    return draft_of(project).model_dump(mode="json")


def faults(answer: Any) -> dict[str, str]:
    """The fields at fault with what is said about each, of an answer that is a problem document."""
    assert 400 <= answer.status_code < 500, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    said = answer.json()
    assert {"type", "title", "status", "detail", "code", "errors", "request_id"} <= set(said)
    assert Run.objects.count() == 0
    return {error["field"]: error["message"] for error in said["errors"]}


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"learning_rate": 7}, "config.learning_rate", ["7", "1"]),
        ({"max_length": 0}, "config.max_length", ["0"]),
        ({"lerning_rate": 1e-4}, "config.lerning_rate", ["learning_rate"]),
        ({"max_steps": "many"}, "config.max_steps", ["many", "whole number"]),
        ({"lr_scheduler_type": "zigzag"}, "config.lr_scheduler_type", ["zigzag"]),
        ({"learning_rate": None}, "config.learning_rate", ["number"]),
    ],
)
def test_a_config_out_of_bounds_names_the_field_and_its_bounds(
    desk: Desk, project: Project, config: dict[str, Any], field: str, words: list[str]
) -> None:
    said = faults(launch(desk, good(project) | {"config": config}))
    assert list(said) == [field]
    for word in words:
        assert word in said[field], said[field]


def test_a_run_on_a_deleted_data_set_is_refused_with_its_name(desk: Desk, project: Project) -> None:
    draft = good(project)
    Dataset.objects.update(deleted_at=timezone.now())
    said = faults(launch(desk, draft))
    assert "Sums" in said["datasets.train"]
    assert "deleted" in said["datasets.train"]
    assert "Restore" in said["datasets.train"]


def test_a_split_that_the_version_has_not_is_refused_with_those_it_has(desk: Desk, project: Project) -> None:
    draft = good(project)
    draft["datasets"]["train"]["split"] = "validation"
    said = faults(launch(desk, draft))
    assert "validation" in said["datasets.train"]
    assert "train" in said["datasets.train"].replace("datasets.train", "")


def test_a_second_launch_with_the_same_key_is_the_same_run(desk: Desk, project: Project) -> None:
    draft = good(project)
    first, second = (launch(desk, draft, **{"Idempotency-Key": "once"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    other = launch(desk, draft | {"seed": 5}, **{"Idempotency-Key": "once"})
    assert other.status_code == 422
    assert "key" in other.json()["detail"].lower()
    assert Run.objects.count() == 1


def test_a_token_of_another_project_finds_nothing_here(desk: Desk, project: Project) -> None:
    draft = good(project)
    desk.headers_of("editor")  # the same person is an editor here: it is the token that keeps to its project
    actor = make_actor("editor@example.org")
    other = make_project(actor, name="Others")
    _, token = secrets.create_token(Actor(actor.user), name="other", project=other)
    client, headers = Client(), {"Authorization": f"Bearer {token}"}
    answer = client.post(f"/api/v1/projects/{project.id}/runs", json.dumps(draft), "application/json", headers=headers)
    assert answer.status_code == 404
    assert faults(answer) == {}
    assert "id" in answer.json()["detail"]
    stolen = client.post(f"/api/v1/projects/{other.id}/runs", json.dumps(draft), "application/json", headers=headers)
    assert set(faults(stolen)) == {"models.policy", "datasets.train"}


def test_a_model_with_pickled_weights_takes_no_run_and_says_how_to_convert_it(desk: Desk, project: Project) -> None:
    place = desk.models / "old"
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}))
    (place / "pytorch_model.bin").write_bytes(b"\x80\x04")
    made = desk.post(f"/projects/{project.id}/models", {"name": "Old", "source": {"path": str(place)}})
    desk.work(made["job"]["id"])
    model = desk.get(f"/models/{made['model']['id']}")
    assert model["state"] == "refused"
    assert "pickle" in model["error"]["message"]
    assert "safetensors" in model["error"]["message"] + model["error"]["remedy"]
    draft = good(project)
    draft["models"] = {"policy": model["id"]}
    said = faults(launch(desk, draft))
    assert "refused" in said["models.policy"]
    assert LibraryModel.objects.get(id=model["id"]).state == "refused"


def test_columns_that_the_file_has_not_are_named(desk: Desk, project: Project) -> None:
    upload = desk.send(jsonl({"question": "1+1=", "answer": "2"}))
    mapping = {"kind": "demonstration", "shape": "trl", "columns": {"prompt": "quesiton", "completion": "answer"}, "options": {}}
    version = desk.ingest(upload, mapping)
    assert version["state"] == "refused"
    said = version["error"]["message"] + version["error"]["remedy"]
    assert "quesiton" in said


def test_columns_that_fit_no_known_shape_ask_for_a_mapping(desk: Desk, project: Project) -> None:
    upload = desk.send(jsonl({"foo": 1, "bar": 2}))
    body = {"name": "Rows", "source": {"upload_id": upload["id"]}, "mapping": None, "splits": {"mode": "none"}}
    answer = desk.call("POST", f"/projects/{project.id}/datasets", body)
    said = faults(answer)
    assert "mapping" in said
    assert "foo" in said["mapping"]
    assert "bar" in said["mapping"]
    assert Dataset.objects.count() == 0


def test_fields_that_are_missing_unknown_or_of_another_kind_are_told_apart(desk: Desk, project: Project) -> None:
    said = faults(desk.call("POST", f"/projects/{project.id}/models", {"source": "path", "path": "/m"}))
    assert said == {
        "name": "This field is needed",
        "source": "Give an object with fields",
        "path": "There is no such field here; leave it out or correct its name",
    }
