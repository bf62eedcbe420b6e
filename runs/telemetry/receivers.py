"""What the rooms below say in their own transactions, taken into the log and passed on as hints."""

from typing import Any

from django.dispatch import receiver

from runs.jobs.models import Job
from runs.jobs.signals import job_changed
from runs.launches.models import Run
from runs.launches.signals import run_changed
from runs.telemetry.hints import hint_job_after_commit, hint_run_after_commit
from runs.telemetry.services import append
from workers.contract.events import EventBase


@receiver(run_changed)
def on_run_changed(sender: Any, run: Run, event: EventBase | None, **kwargs: Any) -> None:
    if event is not None:
        append(run, event)
    hint_run_after_commit(run)


@receiver(job_changed)
def on_job_changed(sender: Any, job: Job, **kwargs: Any) -> None:
    hint_job_after_commit(job)
