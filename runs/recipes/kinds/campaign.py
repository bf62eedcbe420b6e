"""A gate that waits for people: a campaign of pairs. The stage is done when the campaign is finished."""

from collections.abc import Iterator
from typing import Any

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.annotation import services as annotation
from runs.annotation.models import Campaign, CampaignState
from runs.annotation.schemas import CampaignIn
from runs.problems import FieldError
from runs.recipes.kinds import Body, Kind, Seen, failure, name_of_subject
from runs.recipes.models import Stage
from runs.recipes.shapes import shape_faults, shaped
from runs.recipes.slots import Slot, plain, slots_in
from runs.recipes.states import StageState

SORTS = {"artifact_ids": "samples", "version_id": "version", "run_id": "run"}
"""What stands at each place of a source that names something."""


def outputs(body: Body) -> dict[str, Slot]:
    return {"campaign": Slot("campaign")}


def check(body: Body, project: Project | None) -> list[FieldError]:
    return [*shape_faults(CampaignIn, _named(plain(body), "later")), *_slot_faults(body)]


def _named(body: Any, name: str) -> Any:
    return {"name": name, **body} if isinstance(body, dict) else body


def _slot_faults(body: Body) -> Iterator[FieldError]:
    for place, slot in slots_in(body):
        path = place.split(".")
        wanted = SORTS.get(path[1]) if path[0] == "source" and len(path) > 1 else None
        if slot.what != wanted:
            yield FieldError(place, f"{slot.said} is {slot.what}; {wanted or 'a plain setting'} belongs here.")


def begin(stage: Stage, actor: Actor) -> Seen:
    asked = shaped(CampaignIn, _named(stage.body, name_of_subject(stage)))
    campaign = annotation.create_campaign(stage.recipe_run.project, asked, actor=actor)
    return Seen(StageState.PEOPLE, subject_id=campaign.id)


def look(stage: Stage) -> Seen:
    campaign = Campaign.objects.filter(id=stage.subject_id, deleted_at=None).first()
    if campaign is None:
        remedy = "Restore it, or retry the stage: a new campaign is drawn."
        return Seen(StageState.FAILED, failure=failure("Its campaign was deleted.", remedy=remedy))
    if campaign.state == CampaignState.FINISHED:
        return Seen(StageState.SUCCEEDED, outputs={"campaign": campaign.id})
    return Seen(StageState.PEOPLE)


def stop(stage: Stage, actor: Actor) -> None:
    """Nobody should go on labelling for nothing; what was judged stays, and the campaign can be opened again."""
    campaign = Campaign.objects.filter(id=stage.subject_id).first()
    if campaign is not None and campaign.state == CampaignState.OPEN:
        annotation.finish_campaign(campaign, actor=actor)


def again(stage: Stage, actor: Actor) -> bool:
    return False


KIND = Kind(outputs=outputs, check=check, begin=begin, look=look, stop=stop, again=again)
