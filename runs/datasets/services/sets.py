"""Data sets and versions: made, renamed, deleted, restored. Reading the rows is a worker's job."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from runs.accounts.access import Actor
from runs.accounts.models import Project, User
from runs.accounts.owned import bring_back, change, put_away
from runs.accounts.services import audit
from runs.datasets.models import Dataset, DatasetVersion, Upload, UploadState, VersionState
from runs.datasets.schemas import DatasetIn, RenderIn, Source, VersionIn
from runs.datasets.shapes import check_mapping
from runs.datasets.shapes.mapping import Mapping
from runs.jobs import services as jobs
from runs.jobs.models import Job
from runs.problems import Conflict, FieldError, Invalid

COLUMNS_SHOWN = 20


@transaction.atomic
def create_dataset(project: Project, body: DatasetIn, *, actor: Actor | None) -> tuple[DatasetVersion, Job]:
    """A data set with its first version and the job that reads it. Raises Problem naming the field at fault."""
    dataset = new_dataset(project, name=body.name, description=body.description, actor=actor)
    return add_version(dataset, body, actor=actor)


@transaction.atomic
def add_version(dataset: Dataset, body: VersionIn, *, actor: Actor | None) -> tuple[DatasetVersion, Job]:
    """The next version of `dataset` and the job that reads it."""
    if dataset.deleted_at:
        raise Conflict("dataset_deleted", f"Data set {dataset.name} is deleted. Restore it, then add a version.")
    return read_in(
        dataset,
        source=body.source.model_dump(exclude_none=True),
        mapping=_mapping_for(dataset.project, body),
        split_rule=body.splits.model_dump(),
        actor=actor,
    )


@transaction.atomic
def read_in(
    dataset: Dataset, *, source: dict[str, Any], mapping: Mapping | None, split_rule: dict[str, Any], actor: Actor | None
) -> tuple[DatasetVersion, Job]:
    """The next version of `dataset` from a source that was checked, and the job that reads its rows."""
    stored = mapping.model_dump(mode="json") if mapping else None
    version = new_version(dataset, source=source, mapping=stored, split_rule=split_rule, actor=actor)
    job = jobs.enqueue(
        kind="dataset_ingest",
        project=dataset.project,
        payload={"version_id": version.id},
        created_by=user_of(actor),
        subject_id=version.id,
    )
    version.job_id = job.id
    version.save(update_fields=["job_id"])
    return version, job


def change_dataset(dataset: Dataset, *, name: str | None, description: str | None, actor: Actor | None) -> Dataset:
    changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
    return change(dataset, "dataset.change", changes, actor=actor)


def delete_dataset(dataset: Dataset, *, actor: Actor | None) -> None:
    """Its versions stay for the runs that used them; a new run may not take them."""
    put_away(dataset, "dataset", actor=actor)


def restore_dataset(dataset: Dataset, *, actor: Actor | None) -> Dataset:
    return bring_back(dataset, "dataset", actor=actor)


def request_stats(version: DatasetVersion, *, model_id: str, actor: Actor | None) -> Job:
    """Token statistics under the tokenizer of a model of the same project."""
    return _ask_worker("dataset_stats", version, {"model_id": model_id}, actor=actor)


def request_render(version: DatasetVersion, body: RenderIn, *, actor: Actor | None) -> Job:
    """Rows as the model's chat template renders them, with the part that is trained."""
    if body.split not in {split["name"] for split in version.splits}:
        message = f"Version {version.number} has no split {body.split}."
        raise Invalid(message, [FieldError("split", message)])
    return _ask_worker("dataset_render", version, body.model_dump(), actor=actor)


def user_of(actor: Actor | None) -> User | None:
    return actor.user if actor else None


def new_dataset(project: Project, *, name: str, description: str, actor: Actor | None) -> Dataset:
    dataset = Dataset.objects.create(project=project, created_by=user_of(actor), name=name, description=description)
    audit(project, actor, "dataset.create", dataset.id, {"name": name})
    return dataset


def new_version(
    dataset: Dataset, *, source: dict[str, Any], mapping: dict[str, Any] | None, split_rule: dict[str, Any], actor: Actor | None
) -> DatasetVersion:
    """Call inside a transaction: the data set's row is locked so that numbers have no gap and no repeat."""
    Dataset.objects.select_for_update().get(id=dataset.id)
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion.objects.create(
        dataset=dataset,
        project=dataset.project,
        created_by=user_of(actor),
        number=newest + 1,
        kind=(mapping or {}).get("kind", ""),
        source=source,
        mapping=mapping,
        split_rule=split_rule,
    )
    audit(dataset.project, actor, "dataset.version", version.id, {"number": version.number})
    return version


@transaction.atomic
def _ask_worker(kind: str, version: DatasetVersion, payload: dict[str, Any], *, actor: Actor | None) -> Job:
    if version.state != VersionState.READY:
        raise Conflict("version_not_ready", f"Version {version.number} is {version.state}; only a ready version has rows.")
    return jobs.enqueue(
        kind=kind,
        project=version.project,
        payload={"version_id": version.id, **payload},
        created_by=user_of(actor),
        subject_id=version.id,
    )


def _mapping_for(project: Project, body: VersionIn) -> Mapping | None:
    """The mapping to read with: the one given, else the one detected; None leaves it to the job (Hub only)."""
    upload = _upload_of(project, body.source)
    mapping = body.mapping
    if mapping is None and upload is not None:
        detected = (upload.inspection or {}).get("detected")
        if detected is None:
            columns = ", ".join(column["name"] for column in (upload.inspection or {}).get("columns", [])[:COLUMNS_SHOWN])
            message = f"No known shape fits this file's columns ({columns}). Map them: say which holds what."
            raise Invalid(message, [FieldError("mapping", message)])
        mapping = Mapping.model_validate(detected)
    if mapping is not None:
        check_mapping(mapping)
    return mapping


def _upload_of(project: Project, source: Source) -> Upload | None:
    """Raises Problem when the upload is unknown, foreign, refused or not inspected yet."""
    if source.upload_id is None:
        return None
    upload = Upload.objects.filter(project=project, id=source.upload_id).first()
    if upload is None:
        message = f"No upload {source.upload_id} in this project. Send the file first."
        raise Invalid(message, [FieldError("source.upload_id", message)])
    if upload.state == UploadState.REFUSED:
        raise Conflict("upload_refused", f"{upload.filename} was refused. Mend the faults it names and send it again.")
    if upload.state != UploadState.INSPECTED:
        raise Conflict("upload_not_inspected", f"{upload.filename} is {upload.state}. Wait until its state is inspected.")
    return upload
