"""Every write of a job. Executors name their attempt; people only ask for a cancel."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from runs import leases
from runs.accounts.models import Project, User
from runs.bell import ring_after_commit
from runs.jobs.models import FINAL, LIVE, Job, JobState, Turn
from runs.jobs.signals import job_changed
from runs.leases import Desired, Fenced
from runs.problems import Conflict, Problem
from runs.storable import storable

READY = "lodestar.job_ready"
MAX_ATTEMPTS = 3
MOST_WAITING_EACH = 200
"""Jobs of one person that may wait at once; the next would only stand in everybody's way."""
WORKER_LOST = {
    "code": "worker_lost",
    "message": f"The worker was lost {MAX_ATTEMPTS} times while it did this.",
    "remedy": "Look at the worker's log and its free memory, then start it again.",
    "faults": [],
}


@transaction.atomic
def enqueue(
    *, kind: str, project: Project, payload: dict[str, Any], created_by: User | None, subject_id: str = ""
) -> Job:
    """A new job of `kind`; a worker hears of it once the caller's transaction has committed.

    Raises Problem 429 when too many jobs of `created_by` wait already.
    """
    if created_by and Job.objects.filter(created_by=created_by, state=JobState.QUEUED).count() >= MOST_WAITING_EACH:
        detail = f"{MOST_WAITING_EACH} jobs of yours wait already. Wait until some are done, or cancel some."
        raise Problem(status=429, code="too_many_jobs", detail=detail)
    job = Job.objects.create(kind=kind, project=project, payload=payload, created_by=created_by, subject_id=subject_id)
    ring_after_commit(READY, job.id)
    job_changed.send(sender=Job, job=job)
    return job


@transaction.atomic
def claim(job_id: str, *, owner: str) -> int | None:
    """Takes the job for `owner`: the attempt's number, or None when another has it or there is nothing to do.

    A job whose workers were lost too often fails here, with that as its cause.
    """
    rows = Job.objects.filter(id=job_id)
    if not leases.claim(rows, owner=owner, live=LIVE, state=JobState.RUNNING):
        return None
    job = rows.get()
    if job.attempt > MAX_ATTEMPTS:
        _close(job_id, job.attempt, JobState.FAILED, error=WORKER_LOST)
        return None
    job_changed.send(sender=Job, job=job)
    return job.attempt


def renew(job_id: str, attempt: int) -> bool:
    return leases.renew(Job.objects.filter(id=job_id, state__in=LIVE), attempt=attempt)


@transaction.atomic
def report(job_id: str, attempt: int, *, progress: float | None, doing: str, eta_seconds: float | None) -> str:
    """Keeps the progress and answers what people want of the job. Raises Fenced."""
    job = _write(job_id, attempt, progress=progress, doing=doing[:200], eta_seconds=eta_seconds)
    return job.desired


def succeed(job_id: str, attempt: int, result: dict[str, Any]) -> Job:
    """Raises Fenced."""
    return _close(job_id, attempt, JobState.SUCCEEDED, result=result, progress=1.0)


def fail(job_id: str, attempt: int, error: dict[str, Any]) -> Job:
    """Raises Fenced."""
    return _close(job_id, attempt, JobState.FAILED, error=storable(error))


def finish_cancel(job_id: str, attempt: int) -> Job:
    """Raises Fenced."""
    return _close(job_id, attempt, JobState.CANCELLED)


def hand_back(job_id: str, attempt: int) -> Job:
    """The host leaves: the job waits for its next worker. Raises Fenced."""
    return _write(job_id, attempt, state=JobState.QUEUED, lease_until=None, owner="", doing="", progress=None)


@transaction.atomic
def request_cancel(job: Job) -> Job:
    """Asks for a cancel: at once when nobody executes the job, else its executor leaves at its next report."""
    job = Job.objects.select_for_update().get(id=job.id)
    if job.state in FINAL:
        raise Conflict("job_ended", f"This job has {job.state} already; there is nothing to cancel.")
    changes: dict[str, Any] = {"desired": Desired.CANCEL}
    if job.state == JobState.QUEUED:
        changes |= {"state": JobState.CANCELLED, "finished_at": Now()}
    Job.objects.filter(id=job.id).update(**changes)
    job.refresh_from_db()
    job_changed.send(sender=Job, job=job)
    return job


@transaction.atomic
def settle_lost() -> int:
    """Cancels jobs whose executor was lost after a cancel was asked for; nobody will claim those."""
    lost = list(Job.objects.filter(state__in=LIVE, desired=Desired.CANCEL, lease_until__lt=Now()))
    for job in lost:
        finish_cancel(job.id, job.attempt)
    return len(lost)


@transaction.atomic
def take_turn(name: str, *, owner: str, span: timedelta) -> bool:
    """Whether `owner` may do the chore `name` for the next `span`; one at a time may."""
    Turn.objects.get_or_create(name=name)
    free = Q(owner=owner) | Q(until__isnull=True) | Q(until__lt=Now())
    return Turn.objects.filter(free, name=name).update(owner=owner, until=Now() + span) == 1


def _close(job_id: str, attempt: int, state: JobState, **changes: Any) -> Job:
    return _write(job_id, attempt, state=state, finished_at=Now(), lease_until=None, doing="", eta_seconds=None, **changes)


@transaction.atomic
def _write(job_id: str, attempt: int, **changes: Any) -> Job:
    """Raises Fenced when the job is no longer this attempt's."""
    rows = Job.objects.filter(id=job_id)
    if not rows.filter(attempt=attempt, state__in=LIVE).update(**changes):
        raise Fenced(f"Attempt {attempt} no longer holds {job_id}.")
    job = rows.get()
    job_changed.send(sender=Job, job=job)
    return job
