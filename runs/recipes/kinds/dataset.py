"""What people judged in a campaign, as a version of a data set that methods learn from."""

from typing import Literal

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.annotation import services as annotation
from runs.annotation.models import Campaign, CampaignExport
from runs.datasets.models import VersionState
from runs.jobs.models import FINAL, JobState
from runs.problems import FieldError, NotFound
from runs.recipes.definition import Strict
from runs.recipes.kinds import Body, Kind, Seen, failure
from runs.recipes.models import Stage
from runs.recipes.shapes import shape_faults
from runs.recipes.slots import Slot, plain, slots_in
from runs.recipes.states import StageState
from workers.contract.records import RecordKind

ROWS = {"preference": RecordKind.PREFERENCE, "unpaired": RecordKind.UNPAIRED}


class Labels(Strict):
    """`shape` is TRL's preference pairs, or its single answers with a thumb up or down."""

    campaign: str
    shape: Literal["preference", "unpaired"] = "preference"


def outputs(body: Body) -> dict[str, Slot]:
    rows = ROWS.get(str(body.get("shape", "preference")))
    return {"dataset_version": Slot("version", rows=(rows,) if rows else ())}


def check(body: Body, project: Project | None) -> list[FieldError]:
    faults = [
        FieldError(place, f"{slot.said} is {slot.what}; {'campaign' if place == 'campaign' else 'a plain setting'} belongs here.")
        for place, slot in slots_in(body)
        if (place, slot.what) != ("campaign", "campaign")
    ]
    return [*faults, *shape_faults(Labels, plain(body))]


def begin(stage: Stage, actor: Actor) -> Seen:
    asked = Labels.model_validate(stage.body)
    campaign = Campaign.objects.filter(project=stage.recipe_run.project, id=asked.campaign).first()
    if campaign is None:
        raise NotFound(f"This project has no campaign {asked.campaign}.")
    export, _ = annotation.export_version(campaign, asked.shape, actor=actor)
    return Seen(StageState.RUNNING, subject_id=export.id)


def look(stage: Stage) -> Seen:
    export = CampaignExport.objects.select_related("version", "job").filter(id=stage.subject_id).first()
    if export is None:
        return Seen(StageState.FAILED, failure=failure("Its export is gone.", remedy="Retry the stage."))
    version = export.version
    if version is not None and version.state == VersionState.READY:
        return Seen(StageState.SUCCEEDED, outputs={"dataset_version": version.id, "dataset": version.dataset_id})
    if version is not None and version.state != VersionState.INGESTING:
        return Seen(StageState.FAILED, failure=_said(version.error, "The rows that people judged were refused."))
    if version is None and export.job is not None and export.job.state in FINAL and export.job.state != JobState.SUCCEEDED:
        return Seen(StageState.FAILED, failure=_said(export.job.error, "The labels were not written."))
    return Seen(StageState.RUNNING)


def _said(error: dict[str, str] | None, otherwise: str) -> dict[str, str]:
    found = error or {}
    return failure(found.get("message") or otherwise, remedy=found.get("remedy") or "Retry the stage.")


def stop(stage: Stage, actor: Actor) -> None:
    """An export takes seconds and harms nobody."""


def again(stage: Stage, actor: Actor) -> bool:
    return False


KIND = Kind(outputs=outputs, check=check, begin=begin, look=look, stop=stop, again=again)
