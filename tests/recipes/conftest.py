"""Recipes over the real API, and what a worker does to the runs of their stages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from runs.accounts import secrets
from runs.accounts.access import Scope
from runs.accounts.models import Project
from runs.launches.models import Run
from runs.launches.states import State
from runs.library.models import LibraryModel
from runs.recipes.definition import read_text
from tests.launches.builders import make_actor, make_model, make_project, make_version
from tests.recipes.definitions import CHAIN

Api = Callable[..., Any]
FULL = {"code": "out_of_memory", "message": "The GPU is full.", "remedy": "Lower the batch.", "step": 3}


@pytest.fixture(autouse=True)
def redis_at_hand(settings: Any, redis_server: Any) -> None:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}}
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_server.url]}}
    settings.CHANNEL_LAYERS = {"default": layer}


@pytest.fixture
def project(db: None) -> Project:
    return make_project(make_actor())


def client_of(email: str = "ada@example.org") -> Client:
    _, secret = secrets.create_token(make_actor(email), name="test", scopes=list(Scope))
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def api(project: Project, django_capture_on_commit_callbacks: Any) -> Api:
    """Asks as Ada, with what happens after a commit, and answers (status, body)."""
    client = client_of()

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        with django_capture_on_commit_callbacks(execute=True):
            answer = getattr(client, method)(f"/api/v1{path}", **content)
        return answer.status_code, answer.json() if answer.content else None

    return ask


@pytest.fixture
def params(project: Project) -> dict[str, Any]:
    return {"base": make_model(project).id, "rows": {"version_id": make_version(project).id, "split": "train"}}


@pytest.fixture
def chain(api: Api, project: Project, params: dict[str, Any]) -> dict[str, Any]:
    """The recipe of two supervised runs with a gate between, saved and started."""
    status, recipe = api("post", f"/projects/{project.id}/recipes", {"definition": read_text(CHAIN)})
    assert status == 201, recipe
    status, started = api("post", f"/projects/{project.id}/recipe-runs", {"recipe": recipe["id"], "params": params})
    assert status == 201, started
    return dict(started)


@pytest.fixture
def ends(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """What the rest of the house does when a stage's run ends: the row is changed and the change announced."""

    def end(run_id: str, state: State, *, by_signal: bool = True) -> None:
        from runs.launches.services.transition import announce, transition

        with django_capture_on_commit_callbacks(execute=by_signal):
            run = Run.objects.get(id=run_id)
            for step in (State.STARTING, State.RUNNING):
                if state != State.QUEUED and run.state != step and run.state in (State.QUEUED, State.STARTING):
                    run = transition(run_id, step, by="test")
            if state == State.SUCCEEDED:
                model = make_model(run.project, source="run", run_id=run.id, name=run.name)
                Run.objects.filter(id=run_id).update(final_model_id=model.id)
            transition(run_id, state, by="test", failure=FULL if state == State.FAILED else None)
            announce(Run.objects.get(id=run_id))

    return end


def model_of(run_id: str) -> LibraryModel:
    return LibraryModel.objects.get(run_id=run_id)
