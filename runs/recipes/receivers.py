"""What the rooms below say moves recipe runs on, after their own transaction: a fault here undoes nothing of theirs.

A signal that is missed costs seconds: the workers' sweep calls the same service.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from runs.annotation.models import Campaign, CampaignExport
from runs.annotation.signals import campaign_finished
from runs.jobs.models import FINAL as JOB_FINAL
from runs.jobs.models import Job
from runs.jobs.signals import job_changed
from runs.launches.models import Run
from runs.launches.signals import run_changed
from runs.launches.states import FINAL as RUN_FINAL
from runs.launches.states import State
from runs.recipes.models import Stage
from runs.recipes.services import advance


@receiver(run_changed)
def on_run_changed(sender: Any, run: Run, **kwargs: Any) -> None:
    if run.state in (*RUN_FINAL, State.QUEUED) or run.deleted_at:
        advance_those_about([run.id])


@receiver(job_changed)
def on_job_changed(sender: Any, job: Job, **kwargs: Any) -> None:
    """The inspection of a stage's model, or the reading of its data, has ended."""
    if job.state in JOB_FINAL and job.subject_id:
        runs = Run.objects.filter(final_model_id=job.subject_id).values_list("id", flat=True)
        exports = CampaignExport.objects.filter(version_id=job.subject_id).values_list("id", flat=True)
        advance_those_about([job.subject_id, *runs, *exports])


@receiver(campaign_finished)
def on_campaign_finished(sender: Any, campaign: Campaign, **kwargs: Any) -> None:
    advance_those_about([campaign.id])


def advance_those_about(subjects: Iterable[str]) -> None:
    """Once the caller's transaction has committed, the recipe runs with a stage about one of `subjects` move on."""
    found = Stage.objects.filter(subject_id__in=list(subjects)).values_list("recipe_run_id", flat=True)
    for recipe_run_id in set(found):
        _advance_after_commit(recipe_run_id)


def _advance_after_commit(recipe_run_id: str) -> None:
    transaction.on_commit(lambda: advance(recipe_run_id), robust=True)
