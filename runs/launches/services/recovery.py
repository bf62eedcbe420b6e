"""Which ends may be tried again by themselves, how often, and how soon (D6)."""

from datetime import timedelta

from django.db.models import Max
from django.db.models.functions import Now

from runs.launches.models import Checkpoint, Run
from workers.contract.events import FailedEvent

RETRYABLE = frozenset({"worker_lost", "preempted", "platform"})
"""Causes that lie in the platform. Everything else would fail again in the same way."""

BACKOFF_SECONDS = (0, 10, 30, 90, 270)
"""How long the run waits before each automatic try; their number is the budget."""

WORKER_LOST = FailedEvent(
    code="worker_lost",
    message="The worker that executed this run stopped answering.",
    remedy="See on the Workers page whether its host is up, then retry: the run goes on from its newest checkpoint.",
)


def newest_step(run: Run) -> int:
    """The step of the newest registered checkpoint, or -1."""
    step = Checkpoint.objects.filter(run=run).aggregate(step=Max("step"))["step"]
    return -1 if step is None else int(step)


def may_recover(run: Run) -> bool:
    """Within the budget, and never twice without a new checkpoint in between."""
    if run.recoveries >= len(BACKOFF_SECONDS):
        return False
    return run.recoveries == 0 or newest_step(run) > run.recovered_step


def spend(run: Run) -> int:
    """Takes one try off the budget and holds the run back: the seconds it waits."""
    wait = BACKOFF_SECONDS[run.recoveries]
    Run.objects.filter(id=run.id).update(
        recoveries=run.recoveries + 1, recovered_step=newest_step(run), not_before=Now() + timedelta(seconds=wait)
    )
    return wait
