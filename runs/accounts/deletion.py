"""What a project owns is put away and brought back: the row stays for whatever refers to it."""

from datetime import datetime
from typing import Protocol, TypeVar

from django.db import transaction
from django.utils import timezone

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit


class Deletable(Protocol):
    """A row of a project that can be put away."""

    id: str
    name: str
    project: Project
    deleted_at: datetime | None

    def save(self, *, update_fields: list[str]) -> None: ...


T = TypeVar("T", bound=Deletable)


@transaction.atomic
def put_away(thing: Deletable, kind: str, *, actor: Actor | None) -> None:
    """Marks `thing` as deleted and audits `<kind>.delete`; a repeat changes and writes nothing."""
    if not thing.deleted_at:
        _mark(thing, timezone.now())
        audit(thing.project, actor, f"{kind}.delete", thing.id, {"name": thing.name})


@transaction.atomic
def bring_back(thing: T, kind: str, *, actor: Actor | None) -> T:
    """Takes the mark off and audits `<kind>.restore`; what is not deleted is answered as it is."""
    if thing.deleted_at:
        _mark(thing, None)
        audit(thing.project, actor, f"{kind}.restore", thing.id, {"name": thing.name})
    return thing


def _mark(thing: Deletable, at: datetime | None) -> None:
    thing.deleted_at = at
    thing.save(update_fields=["deleted_at"])
