"""The demo project: there at the first start, launched on request."""

import json

import pytest
from django.test import Client

from lodestar import demo
from runs.accounts import secrets
from runs.accounts.access import Actor
from runs.accounts.services import create_project, create_user
from runs.datasets.models import DatasetVersion, VersionState
from runs.launches.models import Run
from runs.library.models import LibraryModel, ModelState
from workers.contract.records import RecordKind


@pytest.fixture
def owner(db):
    return Actor(create_user(email="ada@example.org"))


@pytest.fixture
def caller(owner):
    _, secret = secrets.create_token(owner, name="test")
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_the_project_comes_with_model_and_data_in_the_making(owner):
    project = demo.seed(owner)
    assert project.is_demo
    assert LibraryModel.objects.filter(project=project).count() == 1
    versions = DatasetVersion.objects.filter(dataset__project=project)
    assert set(versions.values_list("kind", flat=True)) | {"prompt"} == set(RecordKind)
    assert not demo.is_ready(project)


def test_it_cannot_be_launched_before_a_worker_has_made_them(owner, caller):
    answer = caller.post(f"/api/v1/projects/{demo.seed(owner).id}/demo-runs")
    assert answer.status_code == 409
    assert answer.json()["code"] == "demo_not_ready"


def test_another_project_has_no_demo(owner, caller):
    project = create_project(owner, name="Mine")
    assert caller.post(f"/api/v1/projects/{project.id}/demo-runs").status_code == 404


def test_it_launches_a_warm_up_and_grpo_that_waits_for_it(owner, caller):
    project = demo.seed(owner)
    LibraryModel.objects.update(state=ModelState.READY)
    for version in DatasetVersion.objects.all():
        splits = [{"name": name, "rows": 10, "size_bytes": 10, "sha256": "0" * 64} for name in ("train", "test")]
        DatasetVersion.objects.filter(pk=version.pk).update(state=VersionState.READY, splits=splits, rows=20)
    answer = caller.post(f"/api/v1/projects/{project.id}/demo-runs")
    assert answer.status_code == 201, json.dumps(answer.json())
    warm_up, grpo = Run.objects.order_by("created_at")
    assert [warm_up.method, grpo.method] == ["sft-instruct", "grpo"]
    assert grpo.waits_on == warm_up
    assert warm_up.tags == grpo.tags == ["demo"]
