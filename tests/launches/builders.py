"""Projects, people, runs and workers with defaults, for tests."""

from typing import Any

from django.utils import timezone

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.launches.models import Run, Worker


def make_actor(email: str = "ada@example.org") -> Actor:
    user, _ = User.objects.get_or_create(email=email, defaults={"name": email.split("@", maxsplit=1)[0].title()})
    return Actor(user=user)


def make_project(actor: Actor, role: Role = Role.OWNER, name: str = "Sums") -> Project:
    project = Project.objects.create(name=name)
    Membership.objects.create(project=project, user=actor.user, role=role)
    return project


def make_run(**values: Any) -> Run:
    """A queued run whose spec an engine can read."""
    given: dict[str, Any] = {"name": "calm-otter", "method": "grpo", "state": "queued", "queued_at": timezone.now(), **values}
    if "project" not in given:
        given["project"] = make_project(make_actor())
    config = given.pop("config", {"steps": 5})
    run = Run(**given)
    run.spec = run.spec or {
        "run_id": run.id,
        "name": run.name,
        "method": run.method,
        "config": config,
        "models": {"policy": {"path": "/nowhere"}},
        "output_dir": "/nowhere",
        "provenance": {"libraries": {}},
    }
    run.save(force_insert=True)
    return run


def make_worker(**values: Any) -> Worker:
    return Worker.objects.create(**{"host": "ant", "pid": 1, "last_seen": timezone.now(), **values})
