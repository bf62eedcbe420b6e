"""What people judged in a campaign, or what models wrote, as a version of a data set that methods learn from."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import model_validator

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.annotation import services as annotation
from runs.annotation.models import Campaign, CampaignExport
from runs.datasets import services as datasets
from runs.datasets.models import DatasetVersion, VersionState
from runs.datasets.shapes.mapping import Mapping
from runs.jobs.models import FINAL, JobState
from runs.launches.models import Artifact
from runs.problems import FieldError, NotFound
from runs.recipes import sampled_rows
from runs.recipes.definition import Strict
from runs.recipes.kinds import Body, Kind, Seen, failure, name_of_subject
from runs.recipes.models import Stage
from runs.recipes.shapes import shape_faults
from runs.recipes.slots import Slot, plain, slots_in
from runs.recipes.states import StageState
from workers.contract.records import RecordKind

ROWS = {"preference": RecordKind.PREFERENCE, "unpaired": RecordKind.UNPAIRED, "demonstration": RecordKind.DEMONSTRATION}
SOURCES = {"campaign": "campaign", "samples": "samples"}
"""What belongs in each field that is no plain setting."""


class Rows(Strict):
    """From a campaign or from samples. `shape` is TRL's preference pairs.

    Of a campaign it may be single answers with a thumb up or down, of samples demonstrations: the answers that are right.
    """

    campaign: str = ""
    samples: str = ""
    shape: Literal["preference", "unpaired", "demonstration"] = "preference"

    @model_validator(mode="after")
    def _one_source(self) -> "Rows":
        if bool(self.campaign) == bool(self.samples):
            raise ValueError("Rows come from a `campaign` or from `samples`: name one of them.")
        if self.shape == ("demonstration" if self.campaign else "unpaired"):
            raise ValueError(f"A {'campaign' if self.campaign else 'sample'} gives no rows of the shape {self.shape}.")
        return self


def outputs(body: Body) -> dict[str, Slot]:
    rows = ROWS.get(str(body.get("shape", "preference")))
    return {"dataset_version": Slot("version", rows=(rows,) if rows else ())}


def check(body: Body, project: Project | None) -> list[FieldError]:
    faults = [
        FieldError(place, f"{slot.said} is {slot.what}; {SOURCES.get(place, 'a plain setting')} belongs here.")
        for place, slot in slots_in(body)
        if SOURCES.get(place) != slot.what
    ]
    return [*faults, *shape_faults(Rows, plain(body))]


def begin(stage: Stage, actor: Actor) -> Seen:
    asked = Rows.model_validate(stage.body)
    if asked.samples:
        return Seen(StageState.RUNNING, subject_id=_written(stage, asked, actor).id)
    campaign = Campaign.objects.filter(project=stage.recipe_run.project, id=asked.campaign).first()
    if campaign is None:
        raise NotFound(f"This project has no campaign {asked.campaign}.")
    export, _ = annotation.export_version(campaign, asked.shape, actor=actor)
    return Seen(StageState.RUNNING, subject_id=export.id)


def _written(stage: Stage, asked: Rows, actor: Actor) -> DatasetVersion:
    """A data set of its own, read in from what the samples say."""
    project = stage.recipe_run.project
    artifact = Artifact.objects.filter(run__project=project, id=asked.samples).first()
    if artifact is None:
        raise NotFound(f"This project has no samples {asked.samples}.")
    shape: sampled_rows.SampledShape = "demonstration" if asked.shape == "demonstration" else "preference"
    name = name_of_subject(stage)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{shape}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in sampled_rows.rows(artifact, shape)), encoding="utf-8")
        mapping = Mapping(kind=ROWS[shape], shape="trl", columns={one: one for one in sampled_rows.COLUMNS[shape]},
                          label="What models wrote", confidence=1.0)
        dataset = datasets.new_dataset(project, name=name, description=f"Answers of the run {artifact.run_id}.", actor=actor)
        version, _ = datasets.add_written_version(dataset, file, mapping=mapping, origin={"run_id": artifact.run_id}, actor=actor)
    return version


def look(stage: Stage) -> Seen:
    if stage.body.get("samples"):
        return _of_version(DatasetVersion.objects.filter(id=stage.subject_id).first())
    export = CampaignExport.objects.select_related("version", "job").filter(id=stage.subject_id).first()
    if export is None:
        return Seen(StageState.FAILED, failure=failure("Its export is gone.", remedy="Retry the stage."))
    if export.version is not None:
        return _of_version(export.version)
    if export.job is not None and export.job.state in FINAL and export.job.state != JobState.SUCCEEDED:
        return Seen(StageState.FAILED, failure=_said(export.job.error, "The labels were not written."))
    return Seen(StageState.RUNNING)


def _of_version(version: DatasetVersion | None) -> Seen:
    """How the reading of the rows stands."""
    if version is None:
        return Seen(StageState.FAILED, failure=failure("Its data set is gone.", remedy="Retry the stage."))
    if version.state == VersionState.READY:
        return Seen(StageState.SUCCEEDED, outputs={"dataset_version": version.id, "dataset": version.dataset_id})
    if version.state != VersionState.INGESTING:
        return Seen(StageState.FAILED, failure=_said(version.error, "The rows were refused."))
    return Seen(StageState.RUNNING)


def _said(error: dict[str, str] | None, otherwise: str) -> dict[str, str]:
    found = error or {}
    return failure(found.get("message") or otherwise, remedy=found.get("remedy") or "Retry the stage.")


def stop(stage: Stage, actor: Actor) -> None:
    """An export takes seconds and harms nobody."""


def again(stage: Stage, actor: Actor) -> bool:
    return False


KIND = Kind(outputs=outputs, check=check, begin=begin, look=look, stop=stop, again=again)
