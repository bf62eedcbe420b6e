"""Judgments become a version of a data set: written by a worker, read in by the data-set room like any file."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.services import audit
from runs.annotation.labels import digest, labels
from runs.annotation.models import Campaign, CampaignExport, Shape
from runs.datasets import services as datasets
from runs.datasets.models import Dataset, VersionState
from runs.datasets.shapes.mapping import Mapping
from runs.jobs import services as jobs
from runs.jobs.models import FINAL, JobState
from runs.launches.models import Artifact
from runs.problems import Conflict
from workers.contract.records import RecordKind

COLUMNS = {
    Shape.PREFERENCE: (RecordKind.PREFERENCE, ("prompt", "chosen", "rejected")),
    Shape.UNPAIRED: (RecordKind.UNPAIRED, ("prompt", "completion", "label")),
}
ENDED_BADLY = (VersionState.REFUSED, VersionState.CANCELLED)


@transaction.atomic
def export_version(campaign: Campaign, shape: str, *, actor: Actor | None) -> tuple[CampaignExport, bool]:
    """The export of what is judged now, and whether it is new: a second one of the same judgments is the first again.

    Raises Conflict when there is no row to export.
    """
    campaign = Campaign.objects.select_for_update(of=("self",)).select_related("project").get(pk=campaign.pk)
    if earlier := same_export(campaign, shape):
        return earlier, False
    if not labels(campaign, shape).rows:
        detail = "No judgment prefers a side yet, so there is no row to export. Judge some pairs first."
        raise Conflict("nothing_to_export", detail)
    user = actor.user if actor else None
    export = CampaignExport.objects.create(
        project=campaign.project, campaign=campaign, created_by=user, shape=shape, digest=digest(campaign, shape)
    )
    export.job = jobs.enqueue(
        kind="annotation_export",
        project=campaign.project,
        payload={"export_id": export.id},
        created_by=user,
        subject_id=export.id,
    )
    export.save(update_fields=["job"])
    audit(campaign.project, actor, "campaign.export", campaign.id, {"export": export.id, "shape": shape})
    return export, True


def same_export(campaign: Campaign, shape: str) -> CampaignExport | None:
    """The export that holds what is judged now, unless its version was lost or deleted."""
    made = campaign.exports.filter(shape=shape, digest=digest(campaign, shape)).select_related("version__dataset", "job")
    return next((export for export in made if not _lost(export)), None)


def _lost(export: CampaignExport) -> bool:
    """Whether its version will never be there, or its data set was deleted."""
    version = export.version
    if version is not None:
        return version.state in ENDED_BADLY or version.dataset.deleted_at is not None
    return export.job is None or (export.job.state in FINAL and export.job.state != JobState.SUCCEEDED)


@transaction.atomic
def keep_export(
    job_id: str, attempt: int, export: CampaignExport, *, files: dict[str, Path], found: dict[str, Any]
) -> CampaignExport:
    """Takes what the job wrote: `files` by format, `found` the columns rows, left_out, digest. Raises Fenced.

    A job that was lost after this and is done again changes nothing.
    """
    jobs.report(job_id, attempt, progress=1.0, doing="Keeping the rows", eta_seconds=None)
    rows = CampaignExport.objects.select_for_update(of=("self",)).select_related("campaign__project", "created_by")
    export = rows.get(pk=export.pk)
    if export.version_id:
        return export
    for name, path in files.items():
        place = export_file(export.id, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    actor = Actor(export.created_by) if export.created_by else None
    version, _ = datasets.add_written_version(
        _dataset(export, actor),
        export_file(export.id, "jsonl"),
        mapping=_mapping(export),
        origin={"campaign_id": export.campaign_id, "export_id": export.id, "campaign": export.campaign.name,
                "drawn_from": drawn_from(export.campaign)},
        actor=actor,
    )
    CampaignExport.objects.filter(pk=export.pk).update(version=version, **found)
    export.refresh_from_db()
    return export


def drawn_from(campaign: Campaign) -> list[str]:
    """The runs whose answers were compared, or the version of the data set that had the pairs."""
    source = campaign.source
    if source.get("kind") == "samples":
        found = Artifact.objects.filter(id__in=source["artifact_ids"], run__project=campaign.project)
        return sorted(set(found.values_list("run_id", flat=True)))
    return [str(source[key]) for key in ("run_id", "version_id") if source.get(key)]


def export_file(export_id: str, name: str) -> Path:
    return Path(settings.HOME) / "annotation" / f"{export_id}.{name}"


def _mapping(export: CampaignExport) -> Mapping:
    kind, columns = COLUMNS[Shape(export.shape)]
    label = f"Labels of {export.campaign.name}"[:200]
    return Mapping(kind=kind, shape="trl", columns={name: name for name in columns}, label=label, confidence=1.0)


def _dataset(export: CampaignExport, actor: Actor | None) -> Dataset:
    """The data set that this campaign's exports of the shape go to: the last one's, or a new one."""
    campaign = export.campaign
    found = dataset_of(campaign, export.shape)
    if found:
        return found
    words = "labels" if export.shape == Shape.PREFERENCE else "labels, unpaired"
    description = f"What people said in the campaign {campaign.name}: {campaign.question}"
    return datasets.new_dataset(
        campaign.project, name=f"{campaign.name[:100]}, {words}", description=description, actor=actor
    )


def dataset_of(campaign: Campaign, shape: str) -> Dataset | None:
    made = campaign.exports.filter(shape=shape, version__dataset__deleted_at=None).exclude(version=None)
    last = made.select_related("version__dataset").order_by("-created_at").first()
    return last.version.dataset if last and last.version else None
