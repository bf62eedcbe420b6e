"""What a project owns is changed, put away and brought back, each deed with its trace; the row stays for what refers to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import transaction
from django.utils import timezone

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit


class Owned(Protocol):
    """A row of a project that can be put away."""

    id: str
    name: str
    project: Project
    deleted_at: datetime | None

    def save(self, *, update_fields: list[str]) -> None: ...


T = TypeVar("T", bound=Owned)


@transaction.atomic
def change(thing: T, deed: str, changes: Mapping[str, Any], *, actor: Actor | None) -> T:
    """Sets the fields of `changes` and audits `deed` with them."""
    for name, value in changes.items():
        setattr(thing, name, value)
    thing.save(update_fields=list(changes))
    audit(thing.project, actor, deed, thing.id, dict(changes))
    return thing


@transaction.atomic
def put_away(thing: Owned, kind: str, *, actor: Actor | None) -> None:
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


def _mark(thing: Owned, at: datetime | None) -> None:
    thing.deleted_at = at
    thing.save(update_fields=["deleted_at"])
