"""Somebody signed in who is no member gets 404 from every operation on every kind of object (S1)."""

import re
from typing import Any

import pytest
from django.db.models import IntegerField
from django.test import Client

from lodestar.api import api
from runs.accounts import secrets
from runs.accounts.access import Actor, Role, Scope
from runs.accounts.models import Membership
from runs.accounts.services import create_project, create_user
from runs.algorithms.models import AlgorithmConfig
from runs.annotation.models import Campaign, CampaignExport, Task
from runs.datasets.models import Dataset, DatasetVersion, Upload
from runs.evaluation.models import Evaluation
from runs.jobs.models import Job
from runs.launches.models import Artifact, Checkpoint, Run
from runs.library.models import LibraryModel
from runs.playground.models import Exchange, Serving
from runs.recipes.models import Recipe, RecipeRun
from runs.rewards.models import Reward, RewardVersion
from runs.trials.models import Trial

SCHEMA: dict[str, Any] = api.get_openapi_schema()
ON_OBJECTS = [
    (method, path, found)
    for path, methods in SCHEMA["paths"].items()
    for method, found in methods.items()
    if re.search(r"{(?!slug)\w+}", path)
]

# What annotators are for: their pairs, and questions of their own in the playground.
OF_ANNOTATORS = {
    "get_project", "list_campaigns", "get_campaign", "get_campaign_progress", "hand_out_tasks", "submit_judgment",
    "undo_judgment", "list_exchanges", "open_exchange", "get_exchange", "answer_exchange", "vote", "forget_conversation",
}  # fmt: skip

# Bodies whose rules go beyond what a schema says.
BODIES: dict[str, Any] = {
    "evaluate": {"method": "evaluate-answers", "models": ["mdl_x"], "dataset": {"version_id": "dsv_x"}},
    "create_dataset": {"name": "abc", "source": {"upload_id": "upl_x"}},
    "add_dataset_version": {"source": {"upload_id": "upl_x"}},
    "render_dataset_rows": {"model_id": "mdl_x", "split": "train", "rows": [0]},
    "try_reward": {"reward_version_id": "rwv_x", "source": {"kind": "rollouts", "run_id": "run_x"}},
    "register_model": {"name": "abc", "source": {"path": "/x"}},
    "submit_judgment": {"task_id": "tsk_x", "client_id": "abcdefgh", "verdict": "a"},
    "open_exchange": {"models": ["mdl_x"], "messages": [{"role": "user", "content": "abc"}]},
}


def filled(kind: type[Any], **given: Any) -> Any:
    """A row of `kind`: columns without a default get something of their type."""
    for field in kind._meta.concrete_fields:
        if field.name in given or field.has_default() or field.null or field.blank or field.primary_key:
            continue
        if not getattr(field, "auto_now_add", False):
            given[field.name] = 1 if isinstance(field, IntegerField) else "x"
    return kind._base_manager.create(**given)


@pytest.fixture
def foreign(db: None) -> dict[str, str]:
    """Ids of one object of each kind in somebody else's project, by the name of the path's parameter."""
    project = create_project(Actor(create_user(email="owner@example.org")), name="Theirs")
    dataset = filled(Dataset, project=project)
    run = filled(Run, project=project)
    reward = filled(Reward, project=project)
    campaign = filled(Campaign, project=project)
    rows = {
        "member_id": Membership.objects.get(project=project),
        "job_id": filled(Job, project=project),
        "upload_id": filled(Upload, project=project),
        "dataset_id": dataset,
        "version_id": filled(DatasetVersion, project=project, dataset=dataset),
        "model_id": filled(LibraryModel, project=project),
        "config_id": filled(AlgorithmConfig, project=project),
        "run_id": run,
        "checkpoint_id": filled(Checkpoint, run=run),
        "artifact_id": filled(Artifact, run=run),
        "serving_id": filled(Serving, project=project, run=run),
        "exchange_id": filled(Exchange, project=project, user=Membership.objects.get(project=project).user),
        "reward_id": reward,
        "reward_version_id": filled(RewardVersion, project=project, reward=reward, pipeline={}),
        "recipe_id": filled(Recipe, project=project),
        "recipe_run_id": filled(RecipeRun, project=project),
        "campaign_id": campaign,
        "task_id": filled(Task, campaign=campaign, prompt="x", first={"text": "a"}, second={"text": "b"}, swapped=False),
        "export_id": filled(CampaignExport, project=project, campaign=campaign),
        "trial_id": filled(Trial, project=project, pipeline={}, source={}),
    }
    rows["evaluation_id"] = filled(Evaluation, project=project, run=run, artifact=rows["artifact_id"], report={})
    token, _ = secrets.create_token(Actor(Membership.objects.get(project=project).user), name="theirs")
    others = {"project_id": project.pk, "token_id": token.pk, "cursor": "1", "stage_name": "s", "conversation_id": "x",
              "world": "lock"}
    return {name: row.pk for name, row in rows.items()} | others


@pytest.fixture
def stranger(db: None) -> Client:
    _, secret = secrets.create_token(Actor(create_user(email="stranger@example.org")), name="mine", scopes=list(Scope))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def sample(schema: dict[str, Any]) -> Any:
    """The smallest value that fits a JSON Schema of ours."""
    if "$ref" in schema:
        return sample(SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return sample(schema[choice][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("minItems"):
        return [sample(schema["items"])] * schema["minItems"]
    kinds = {"string": "abc", "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True, "array": [], "null": None}
    if schema.get("type") != "object":
        return kinds[schema.get("type", "string")]
    needed = schema.get("required", [])
    return {name: sample(part) for name, part in schema.get("properties", {}).items() if name in needed}


@pytest.mark.parametrize(("method", "path", "operation"), ON_OBJECTS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_foreign_object_is_not_there(stranger, foreign, method, path, operation):
    answer = asked(stranger, foreign, method, path, operation)
    assert answer.status_code == 404, answer.content
    assert answer.json()["code"] == "not_found"


def asked(client: Client, ids: dict[str, str], method: str, path: str, operation: dict[str, Any]) -> Any:
    """The answer to the smallest request that the operation's schema takes."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    needed = [part for part in operation.get("parameters", []) if part["in"] == "query" and part.get("required")]
    query = "&".join(f"{part['name']}={sample(part['schema'])}" for part in needed)
    address = re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)
    sent = BODIES.get(operation["operationId"]) or (sample(body) if body else {})
    content = {} if method == "get" else {"data": sent, "content_type": "application/json"}
    return getattr(client, method)(f"{address}?{query}", headers={"Upload-Offset": "0"}, **content)


@pytest.fixture
def annotator(foreign: dict[str, str]) -> Client:
    """Somebody who judges in the project that has all the objects."""
    user = create_user(email="annotator@example.org")
    Membership.objects.create(project_id=foreign["project_id"], user=user, role=Role.ANNOTATOR)
    _, secret = secrets.create_token(Actor(user), name="mine", scopes=list(Scope))
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize(("method", "path", "operation"), ON_OBJECTS, ids=lambda part: part if isinstance(part, str) else "")
def test_an_annotator_looks_at_their_work_alone(annotator, foreign, method, path, operation):
    """Runs, answers, data, models and what others said would tell whose answers are compared; own ids only are unknown."""
    if operation["operationId"] in OF_ANNOTATORS:
        return
    answer = asked(annotator, foreign, method, path, operation)
    own_only = operation["operationId"] in {"revoke_token"}
    assert answer.status_code == (404 if own_only else 403), answer.content


def test_every_kind_of_object_in_a_path_is_tried():
    """A new kind of object must be added to the fixture above when it is given routes of its own."""
    parameters = {name for _, path, _ in ON_OBJECTS for name in re.findall(r"{(\w+)}", path)}
    assert parameters <= {
        "project_id", "member_id", "job_id", "upload_id", "dataset_id", "version_id", "model_id", "config_id",
        "run_id", "checkpoint_id", "artifact_id", "token_id", "cursor", "reward_id", "reward_version_id",
        "recipe_id", "recipe_run_id", "stage_name",
        "campaign_id", "task_id", "export_id",
        "trial_id", "evaluation_id",
        "serving_id", "exchange_id", "conversation_id", "world",
    }  # fmt: skip
