"""Leases with a fencing token: how one executor at a time holds a run or a job.

`attempt` only grows and is the token: every write of an executor names it. Claim and renewal are one UPDATE each on the
database's clock, so that no two machines' clocks are ever compared and no lock outlives a process.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now


class Fenced(Exception):
    """The attempt that speaks no longer holds the row: whoever catches this stops at once and writes nothing more."""


class Desired(models.TextChoices):
    """What people want of an executor. It reads this; nobody kills it from afar."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"


class Leased(models.Model):
    """The columns of a row that one executor at a time may hold. `heartbeat_at` is empty until the first renewal."""

    desired = models.CharField(max_length=8, choices=Desired.choices, default=Desired.RUN)
    attempt = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


def lease_end() -> models.expressions.CombinedExpression:
    """Now, by the database's clock, and one lease length more."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def claim(rows: QuerySet[Any], *, owner: str, live: Iterable[str], **changes: Any) -> bool:
    """Takes the one row in `rows` when it is queued, or when the lease of its executor has passed.

    `live` are the states in which somebody executes; `changes` are further columns set by the same statement.
    """
    free = Q(state="queued") | Q(state__in=list(live), lease_until__lt=Now())
    taken = rows.filter(free, desired=Desired.RUN).update(
        attempt=F("attempt") + 1,
        owner=owner,
        lease_until=lease_end(),
        heartbeat_at=None,
        started_at=Coalesce("started_at", Now()),
        **changes,
    )
    return taken == 1


def renew(rows: QuerySet[Any], *, attempt: int) -> bool:
    """Prolongs the lease of `attempt`; False means that it has passed to another and the caller is fenced."""
    return rows.filter(attempt=attempt, lease_until__isnull=False).update(lease_until=lease_end(), heartbeat_at=Now()) == 1
