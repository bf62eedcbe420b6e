"""Reads of jobs."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from runs.accounts.models import Project
from runs.jobs.models import LIVE, Job, JobState


def job_list(project: Project, *, kind: str = "", state: str = "") -> QuerySet[Job]:
    """Jobs of a project, optionally of one kind and of the given states (comma-separated)."""
    jobs = Job.objects.filter(project=project)
    if kind:
        jobs = jobs.filter(kind=kind)
    return jobs.filter(state__in=state.split(",")) if state else jobs


def ready_jobs() -> QuerySet[Job]:
    """Jobs nobody executes and somebody should, oldest first."""
    ready = Q(state=JobState.QUEUED) | Q(state__in=LIVE, lease_until__lt=Now())
    return Job.objects.filter(ready).order_by("created_at")


def live_count(owner: str) -> int:
    """How many jobs `owner` executes now."""
    return Job.objects.filter(owner=owner, state__in=LIVE, lease_until__gte=Now()).count()


def latest(*, kind: str, subject_id: str, state: str = JobState.SUCCEEDED) -> Job | None:
    """The newest job of one kind about one thing, in `state`."""
    return Job.objects.filter(kind=kind, subject_id=subject_id, state=state).order_by("-created_at").first()
