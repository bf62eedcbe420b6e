"""A job: short work on a worker, held by lease and attempt like a run."""

from django.conf import settings
from django.db import models

from runs.ids import new_id
from runs.leases import Leased


def new_job_id() -> str:
    return new_id("job")


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (JobState.RUNNING,)
FINAL = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Job(Leased):
    """`kind` is the file name of its handler in workers/agent/jobs; `error` has code, message, remedy and faults."""

    id = models.CharField(primary_key=True, max_length=40, default=new_job_id, editable=False)
    kind = models.CharField(max_length=40)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="jobs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    subject_id = models.CharField(max_length=40, blank=True, default="")
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    progress = models.FloatField(null=True)
    doing = models.CharField(max_length=200, blank=True, default="")
    eta_seconds = models.FloatField(null=True)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["state", "lease_until"], name="job_ready"),
            models.Index(fields=["project", "-created_at"], name="job_of_project"),
            models.Index(fields=["kind", "subject_id"], name="job_of_subject"),
        )

    def __str__(self) -> str:
        return self.id


class Turn(models.Model):
    """Whose turn it is to do a chore that one process at a time should do, such as sweeping."""

    name = models.CharField(primary_key=True, max_length=40)
    owner = models.CharField(max_length=80, default="")
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
