"""What the rooms below say, taken up here."""

from typing import Any

from django.dispatch import receiver

from runs.algorithms.signals import workers_asked
from runs.jobs.models import Job
from runs.jobs.signals import job_changed
from runs.launches.models import Worker
from runs.launches.selectors import online
from runs.launches.services.waiting import after_inspection


@receiver(job_changed)
def on_job_changed(sender: Any, job: Job, **kwargs: Any) -> None:
    after_inspection(job)


@receiver(workers_asked)
def on_workers_asked(sender: Any, **kwargs: Any) -> list[str]:
    """The catalogues of the workers that are online."""
    return list(Worker.objects.filter(online()).values_list("catalogue_hash", flat=True))
