"""People, projects and clients that speak for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from runs.accounts import secrets
from runs.accounts.access import Actor, Role, Scope
from runs.accounts.models import Membership, Project, User
from runs.accounts.services import create_project, create_user

PASSWORD = "a long enough pass phrase"


@pytest.fixture(autouse=True)
def limits_in_redis(settings: Any, redis_server: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}}
    cache.clear()


@pytest.fixture
def owner(db: None) -> User:
    return create_user(email="owner@example.org", name="Olga Owner", password=PASSWORD)


@pytest.fixture
def stranger(db: None) -> User:
    return create_user(email="stranger@example.org", name="Sam Stranger", password=PASSWORD)


@pytest.fixture
def project(owner: User) -> Project:
    return create_project(Actor(owner), name="Sums")


@pytest.fixture
def member(project: Project) -> Callable[[Role], User]:
    """A person with a role in the project."""

    def make(role: Role) -> User:
        user = create_user(email=f"{role}@members.example.org", password=PASSWORD)
        Membership.objects.create(project=project, user=user, role=role)
        return user

    return make


class Caller:
    """Speaks JSON for somebody, by token or by session."""

    def __init__(self, client: Client, headers: dict[str, str] | None = None) -> None:
        self.client, self.headers = client, headers or {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(f"/api/v1{path}", headers=self.headers | named, **data)


@pytest.fixture
def by_token() -> Callable[..., Caller]:
    def make(user: User, *scopes: Scope, project: Project | None = None) -> Caller:
        _, secret = secrets.create_token(Actor(user), name="test", scopes=scopes or tuple(Scope), project=project)
        return Caller(Client(), {"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def by_session() -> Callable[[User], Caller]:
    """A signed-in browser: CSRF is checked as in earnest."""

    def make(user: User) -> Caller:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        token = client.get("/api/v1/session").json()["csrf_token"]
        return Caller(client, {"X-CSRFToken": token})

    return make
