"""What editors say where people disagree."""

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.services import audit
from runs.annotation.models import Campaign, Task
from runs.annotation.verdicts import Verdict
from runs.problems import NotFound


@transaction.atomic
def resolve(campaign: Campaign, task_id: str, verdict: Verdict, *, actor: Actor) -> Task:
    """An editor's verdict stands instead of the judgments of this pair; `skip` takes it back. Raises NotFound."""
    task = Task.objects.select_for_update(of=("self",)).filter(pk=task_id, campaign=campaign).first()
    if task is None:
        raise NotFound
    told = "" if verdict == Verdict.SKIP else verdict.value
    Task.objects.filter(pk=task.pk).update(
        resolution=told, resolved_by=actor.user if told else None, resolved_at=Now() if told else None
    )
    audit(campaign.project, actor, "campaign.resolve", campaign.id, {"task": task.id, "verdict": verdict.value})
    task.refresh_from_db()
    return task
