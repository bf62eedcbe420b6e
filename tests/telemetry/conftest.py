"""A project with a run that attempt 1 holds, and the lines an engine would write."""

from collections.abc import Callable
from typing import Any

import pytest

from runs.accounts.access import Role
from runs.accounts.models import Membership, Project, User
from runs.launches.models import Run


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create(email="ada@example.org", name="Ada")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create(email="eve@example.org", name="Eve")


@pytest.fixture
def project(owner: User) -> Project:
    project = Project.objects.create(name="Sums")
    Membership.objects.create(project=project, user=owner, role=Role.OWNER)
    return project


@pytest.fixture
def make_run(project: Project, owner: User) -> Callable[..., Run]:
    def make(**values: Any) -> Run:
        given = {"name": "calm-otter-12", "method": "grpo", "state": "running", "attempt": 1, **values}
        return Run.objects.create(project=project, created_by=owner, **given)

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run()
