"""Reads of the room: data sets, versions, rows, and the reference a run takes with it."""

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from runs.accounts.models import Project
from runs.datasets import storage
from runs.datasets.models import Dataset, DatasetVersion, VersionState
from runs.datasets.row_pages import read_rows, search_rows
from runs.problems import Conflict, FieldError, Invalid, NotFound
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef


def dataset_list(project: Project, *, q: str = "", kind: str = "") -> QuerySet[Dataset]:
    """Data sets that are not deleted; `q` is a part of the name or description, `kind` that of the latest version.

    One whose every version was refused or cancelled holds nothing: whoever sent the file was told why.
    """
    alive = DatasetVersion.objects.filter(dataset=OuterRef("pk"), state__in=(VersionState.INGESTING, VersionState.READY))
    datasets = with_versions(Dataset.objects.filter(Exists(alive), project=project, deleted_at=None))
    if q:
        datasets = datasets.filter(Q(name__icontains=q) | Q(description__icontains=q))
    if kind:
        datasets = datasets.filter(versions__kind=kind, versions__state=VersionState.READY).distinct()
    return datasets


def with_versions(datasets: QuerySet[Dataset]) -> QuerySet[Dataset]:
    """Two queries for any number of data sets."""
    return datasets.prefetch_related(Prefetch("versions", DatasetVersion.objects.order_by("-number")))


def latest(dataset: Dataset) -> DatasetVersion | None:
    """The newest ready version, else the newest."""
    versions = sorted(dataset.versions.all(), key=lambda version: version.number, reverse=True)
    ready = [version for version in versions if version.state == VersionState.READY]
    return next(iter(ready or versions), None)


def version_list(dataset: Dataset) -> QuerySet[DatasetVersion]:
    return dataset.versions.order_by("-number")


def row_page(version: DatasetVersion, split: str, *, offset: int, limit: int, q: str = "") -> dict[str, Any]:
    """`{items, total, next}`, canonical rows. Raises Problem when the version has no rows yet or not that split."""
    if version.state != VersionState.READY:
        raise Conflict("version_not_ready", f"Version {version.number} is {version.state}; only a ready version has rows.")
    total = next((each["rows"] for each in version.splits if each["name"] == split), None)
    if total is None:
        names = ", ".join(each["name"] for each in version.splits)
        message = f"Version {version.number} has no split {split}. Choose one of: {names}."
        raise Invalid(message, [FieldError("split", message)])
    directory = storage.version_dir(version.dataset_id, version.id)
    page = {"total": total, "offset": offset, "limit": limit}
    items, following = search_rows(directory, split, q=q, **page) if q else read_rows(directory, split, **page)
    return {"items": items, "total": total, "next": following}


def stats(version: DatasetVersion, model_id: str) -> dict[str, Any]:
    """Raises NotFound when nobody has counted with that model yet."""
    found = version.stats.filter(model_id=model_id).first()
    if found is None:
        raise NotFound("Nobody has counted this version's tokens with that model yet. Start the count with POST.")
    result: dict[str, Any] = found.result
    return result


def version_ref(version_id: str, split: str, limit: int | None = None, *, project: Project) -> DatasetRef:
    """What a run freezes of a version. Raises Problem when it is unknown, deleted, not ready or lacks the split."""
    version = DatasetVersion.objects.select_related("dataset").filter(id=version_id, project=project).first()
    if version is None:
        raise _refusal(f"No data-set version {version_id} in this project. Choose another.")
    name = f"{version.dataset.name} v{version.number}"
    if version.dataset.deleted_at:
        raise _refusal(f"Data set {version.dataset.name} is deleted. Restore it or choose another.")
    if version.state != VersionState.READY:
        raise _refusal(f"{name} is {version.state}, not ready. Wait for it or choose another version.")
    found = next((each for each in version.splits if each["name"] == split), None)
    if found is None:
        names = ", ".join(each["name"] for each in version.splits)
        raise _refusal(f"{name} has no split {split}. Choose one of: {names}.")
    return DatasetRef(
        dataset_id=version.dataset_id,
        version_id=version.id,
        name=name,
        path=str(storage.version_dir(version.dataset_id, version.id)),
        split=split,
        kind=RecordKind(version.kind),
        content_hash=version.content_hash,
        rows=found["rows"],
        limit=limit,
    )


def _refusal(message: str) -> Invalid:
    return Invalid(message, [FieldError("datasets", message)])
