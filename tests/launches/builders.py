"""Projects, people, runs and workers with defaults, for tests."""

from typing import Any

from django.utils import timezone

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.datasets.models import Dataset, DatasetVersion
from runs.launches.models import Run, Worker
from runs.launches.schemas import RunDraft
from runs.library.models import LibraryModel


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


def make_model(project: Project, **values: Any) -> LibraryModel:
    given = {"project": project, "name": "Tiny", "source": "path", "state": "ready", "path": "/m", **values}
    return LibraryModel.objects.create(**given)


def make_version(project: Project, kind: str = "demonstration", **values: Any) -> DatasetVersion:
    """A ready version of a data set with 100 rows in `train`."""
    dataset = Dataset.objects.create(project=project, name="Sums")
    splits = [{"name": "train", "rows": 100, "size_bytes": 1, "sha256": ""}]
    given = {"dataset": dataset, "project": project, "number": 1, "state": "ready", "kind": kind, "splits": splits, **values}
    return DatasetVersion.objects.create(**given)


def draft_of(project: Project, **values: Any) -> RunDraft:
    """A supervised run on a tiny model that may be launched as it is."""
    given: dict[str, Any] = {"method": "sft-instruct", "config": {"max_steps": 3}, **values}
    given.setdefault("models", {"policy": make_model(project).id})
    given.setdefault("datasets", {"train": {"version_id": make_version(project).id, "split": "train"}})
    return RunDraft.model_validate(given)
