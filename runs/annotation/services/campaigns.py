"""Campaigns: drawn, changed, finished, reopened, deleted."""

import secrets
from random import Random
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.owned import bring_back, change, put_away
from runs.accounts.services import audit
from runs.annotation.models import Assignment, Campaign, CampaignState, Task
from runs.annotation.schemas import CampaignIn
from runs.annotation.signals import campaign_finished
from runs.annotation.sources import Pair, draw
from runs.problems import Conflict
from runs.storable import storable


def create_campaign(project: Project, body: CampaignIn, *, actor: Actor | None) -> Campaign:
    """A campaign with its pairs drawn, open for work. Raises Problem, with the field, for a source without pairs."""
    seed = secrets.randbits(31) if body.seed is None else body.seed
    drawn = draw(project, body.source, limit=body.limit, seed=seed)
    with transaction.atomic():
        campaign = Campaign.objects.create(
            project=project,
            created_by=actor.user if actor else None,
            name=body.name.strip(),
            question=body.question.strip(),
            guidelines=body.guidelines,
            source=body.source.model_dump(mode="json", exclude_none=True),
            seed=seed,
            overlap=body.overlap,
            allow_tie=body.allow_tie,
            allow_both_bad=body.allow_both_bad,
            tasks=len(drawn.pairs),
            left_out=dict(drawn.left_out),
        )
        Task.objects.bulk_create(_tasks(campaign, drawn.pairs), batch_size=500)
        audit(project, actor, "campaign.create", campaign.id, {"name": campaign.name, "tasks": campaign.tasks})
    return campaign


def _tasks(campaign: Campaign, pairs: list[Pair]) -> list[Task]:
    """Which answer stands left is drawn for each pair."""
    rng = Random(campaign.seed ^ 0x5EED)  # noqa: S311 - a repeatable draw, no secret
    return [
        Task(
            campaign=campaign,
            number=number,
            prompt=storable(pair.prompt),
            first=storable(pair.first),
            second=storable(pair.second),
            swapped=rng.random() < 0.5,
            known=pair.known,
            reference=storable(pair.reference),
            source_row=pair.row,
            wanted=campaign.overlap,
        )
        for number, pair in enumerate(pairs, 1)
    ]


def edit_campaign(campaign: Campaign, changes: dict[str, Any], *, actor: Actor | None) -> Campaign:
    """Changes name, question or guidelines: the words that people read, never what they compare."""
    tidy = {name: value if name == "guidelines" else value.strip() for name, value in changes.items()}
    return change(campaign, "campaign.edit", tidy, actor=actor)


@transaction.atomic
def finish_campaign(campaign: Campaign, *, actor: Actor | None) -> Campaign:
    """Takes no more judgments; holds end. Tells `campaign_finished` the first time only."""
    changed = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.OPEN).update(
        state=CampaignState.FINISHED, finished_at=Now()
    )
    campaign.refresh_from_db()
    if changed:
        Assignment.objects.filter(task__campaign=campaign).update(lease_until=None)
        audit(campaign.project, actor, "campaign.finish", campaign.id, {"done": campaign.done, "tasks": campaign.tasks})
        campaign_finished.send(sender=Campaign, campaign=campaign)
    return campaign


@transaction.atomic
def reopen_campaign(campaign: Campaign, *, actor: Actor | None) -> Campaign:
    """Raises Conflict when every pair has its judgments: there would be nothing to do."""
    campaign = Campaign.objects.select_for_update().select_related("project").get(pk=campaign.pk)
    if campaign.state == CampaignState.FINISHED:
        if campaign.done == campaign.tasks:
            detail = "Every pair has the judgments it wants. Create a campaign with more pairs or more people for each."
            raise Conflict("nothing_left", detail)
        campaign.state, campaign.finished_at = CampaignState.OPEN, None
        campaign.save(update_fields=["state", "finished_at"])
        audit(campaign.project, actor, "campaign.reopen", campaign.id, {})
    return campaign


def delete_campaign(campaign: Campaign, *, actor: Actor | None) -> None:
    """Its judgments and exports stay; it takes no more and stands in no list."""
    put_away(campaign, "campaign", actor=actor)


def restore_campaign(campaign: Campaign, *, actor: Actor | None) -> Campaign:
    return bring_back(campaign, "campaign", actor=actor)
