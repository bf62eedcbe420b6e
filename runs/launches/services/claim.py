"""Who executes a run: claimed by one statement, within the free places of a host, in the order of the queue."""

from collections.abc import Sequence
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from runs import leases
from runs.launches.models import Attempt, Run, Worker
from runs.launches.services.finish import close_attempt, fail, give_back, settle
from runs.launches.services.recovery import WORKER_LOST, may_recover, newest_step, spend
from runs.launches.services.transition import announce, record
from runs.launches.states import HELD, State
from runs.leases import Desired
from workers.contract.events import LogEvent
from workers.contract.run_spec import RunKind


def ready_runs() -> QuerySet[Run]:
    """Runs that nobody executes and somebody should, in the order of the queue."""
    free = Q(state=State.QUEUED) | Q(state__in=HELD, lease_until__lt=Now())
    return Run.objects.filter(free, _startable(), desired=Desired.RUN).order_by("-priority", "queued_at", "id")


def _startable() -> Q:
    return Q(waits_on=None, deleted_at=None) & (Q(not_before=None) | Q(not_before__lte=Now()))


@transaction.atomic
def claim(run_id: str, *, owner: str, devices: Sequence[int] = ()) -> int | None:
    """Takes the run for `owner`: the attempt's number, or None when it is not there to be taken.

    A run whose last executor was lost is taken only within its budget of recoveries; beyond it, it fails here.
    """
    rows = Run.objects.filter(_startable(), id=run_id)
    before = rows.select_for_update().first()
    where = _from_where(before) if before else ""
    taken: dict[str, Any] = {
        "state": State.STARTING, "devices": list(devices), "doing": f"Starting{where}", "waiting_for": ""
    }
    if before is None or not leases.claim(rows, owner=owner, live=HELD, **taken):
        return None
    if before.state != State.QUEUED and not _take_over(before):
        return None
    run = Run.objects.get(id=run_id)
    Attempt.objects.create(run=run, number=run.attempt, owner=owner, devices=run.devices)
    record(run, before.state, State.STARTING, by=owner, reason=f"Attempt {run.attempt} began.")
    lost = f"{WORKER_LOST.message} " if before.state != State.QUEUED else ""
    level: Literal["info", "warning"] = "warning" if lost else "info"
    announce(run, LogEvent(level=level, message=f"{lost}Attempt {run.attempt} starts on {owner}{where}."))
    return run.attempt


def _from_where(run: Run) -> str:
    """Of a run that an attempt began already: the step it goes on from."""
    return f" again from step {max(newest_step(run), 0)}" if run.attempt else ""


def _take_over(lost: Run) -> bool:
    """Writes off the executor that let its lease pass; False when the run may not be tried again, and has failed."""
    failure = close_attempt(lost, exit_="lost", failure=WORKER_LOST)
    if may_recover(lost):
        spend(lost)
        return True
    give_back(lost.id)
    fail(lost, failure, by="sweeper")
    return False


def renew(run_id: str, attempt: int) -> bool:
    """Prolongs the lease; False means fenced."""
    return leases.renew(Run.objects.filter(id=run_id), attempt=attempt)


@transaction.atomic
def start_ready(worker_id: str) -> list[tuple[str, int]]:
    """Claims for one host every run that fits into its free places: (run id, attempt) of each.

    Runs with GPUs, runs without and models that are only held ready queue apart; in each queue nobody overtakes, so that
    a large run is never starved. Chats thus wait for no training, and no training for chats.
    """
    worker = Worker.objects.select_for_update().get(id=worker_id)
    if worker.leaving:
        return []
    held = list(Run.objects.filter(owner=worker.id, lease_until__gte=Now()).only("kind", "devices", "gpus"))
    taken = {device for run in held for device in run.devices}
    free_devices = [gpu["index"] for gpu in worker.gpus if gpu["index"] not in taken]
    places = {"run": worker.slots, "serve": settings.SERVE_SLOTS}
    free = {queue: most - sum(1 for run in held if queue_of(run) == queue) for queue, most in places.items()}
    started: list[tuple[str, int]] = []
    blocked: set[str] = set()
    for run in ready_runs():
        queue = queue_of(run)
        if queue in blocked or run.gpus > len(worker.gpus):
            continue
        if run.gpus > len(free_devices) or free.get(queue, 1) < 1:
            blocked.add(queue)
            _explain_wait(run, worker)
            continue
        devices, free_devices = free_devices[: run.gpus], free_devices[run.gpus :]
        if attempt := claim(run.id, owner=worker.id, devices=devices):
            started.append((run.id, attempt))
            free[queue] = free.get(queue, 1) - (queue in places)
    return started


def queue_of(run: Run) -> str:
    """Where it waits: for GPUs, for one of the host's places, or for one of its places for models held ready."""
    if run.gpus:
        return "gpu"
    return "serve" if run.kind == RunKind.SERVE else "run"


def _explain_wait(run: Run, worker: Worker) -> None:
    """Says on the first of the queue what it waits for."""
    place = f"{run.gpus} free GPU" + "s" * (run.gpus > 1) if run.gpus else "a free place"
    text = f"{place} on {worker.host}, which is busy"
    if run.waiting_for != text:
        Run.objects.filter(id=run.id, state=State.QUEUED).update(waiting_for=text)
        announce(run)


@transaction.atomic
def settle_lost() -> int:
    """Ends what lost executors left behind and nobody will claim: paused, stopped and cancelled runs, ended ones."""
    lost = list(Run.objects.select_for_update().filter(~Q(desired=Desired.RUN, state__in=HELD), lease_until__lt=Now()))
    for run in lost:
        failure = close_attempt(run, exit_="lost", failure=WORKER_LOST)
        give_back(run.id)
        settle(run, failure, by="sweeper")
    return len(lost)
