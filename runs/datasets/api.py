"""Uploads, data sets and versions over REST: parse, call, answer."""

from typing import Annotated, Any

from ninja import Router, Status
from ninja.params.models import Header
from pydantic import Field

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.datasets import preview, selectors, services
from runs.datasets.models import Dataset, DatasetVersion, Upload
from runs.datasets.schemas import (
    Created,
    DatasetIn,
    DatasetOut,
    DatasetPatch,
    PreviewIn,
    PreviewOut,
    RenderIn,
    RowsOut,
    StatsIn,
    StatsOut,
    UploadIn,
    UploadOut,
    VersionIn,
    VersionOut,
)
from runs.jobs.models import Job
from runs.jobs.schemas import JobOut
from runs.paging import Page, paginate

PageLimit = Annotated[int, Field(ge=1, le=200)]
UploadOffset = Annotated[int, Header(..., ge=0, alias="Upload-Offset")]

router = Router(tags=["datasets"])


@router.post("/projects/{project_id}/uploads", response={201: UploadOut}, operation_id="create_upload")
def create_upload(request: ApiRequest, project_id: str, body: UploadIn) -> Status[Upload]:
    project = project_for(request, project_id, Role.EDITOR)
    return Status(201, services.create_upload(project, filename=body.filename, size_bytes=body.size_bytes, actor=request.auth))


@router.patch(
    "/uploads/{upload_id}",
    response=UploadOut,
    operation_id="send_upload_bytes",
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def send_upload_bytes(request: ApiRequest, upload_id: str, upload_offset: UploadOffset) -> Upload:
    upload = get_visible(request, Upload, upload_id, at_least=Role.EDITOR)
    return services.receive(upload, offset=upload_offset, body=request)


@router.get("/uploads/{upload_id}", response=UploadOut, operation_id="get_upload")
def get_upload(request: ApiRequest, upload_id: str) -> Upload:
    return get_visible(request, Upload, upload_id)


@router.delete("/uploads/{upload_id}", response={204: None}, operation_id="delete_upload")
def delete_upload(request: ApiRequest, upload_id: str) -> Status[None]:
    services.delete_upload(get_visible(request, Upload, upload_id, at_least=Role.EDITOR), actor=request.auth)
    return Status(204, None)


@router.post("/uploads/{upload_id}/preview", response=PreviewOut, operation_id="preview_upload")
def preview_upload(request: ApiRequest, upload_id: str, body: PreviewIn) -> dict[str, Any]:
    return {"rows": preview.first_rows(get_visible(request, Upload, upload_id), body.mapping)}


@router.get("/projects/{project_id}/datasets", response=Page[DatasetOut], operation_id="list_datasets")
def list_datasets(
    request: ApiRequest,
    project_id: str,
    *,
    q: str = "",
    kind: str = "",
    cursor: str | None = None,
    limit: PageLimit = 50,
) -> dict[str, Any]:
    datasets = selectors.dataset_list(project_for(request, project_id), q=q, kind=kind)
    items, following = paginate(datasets, cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/datasets", response={201: Created}, operation_id="create_dataset")
def create_dataset(request: ApiRequest, project_id: str, body: DatasetIn) -> Status[dict[str, Any]]:
    version, job = services.create_dataset(project_for(request, project_id, Role.EDITOR), body, actor=request.auth)
    return Status(201, {"dataset": version.dataset, "version": version, "job": job})


@router.get("/datasets/{dataset_id}", response=DatasetOut, operation_id="get_dataset")
def get_dataset(request: ApiRequest, dataset_id: str) -> Dataset:
    return get_visible(request, Dataset, dataset_id)


@router.patch("/datasets/{dataset_id}", response=DatasetOut, operation_id="change_dataset")
def change_dataset(request: ApiRequest, dataset_id: str, body: DatasetPatch) -> Dataset:
    dataset = get_visible(request, Dataset, dataset_id, at_least=Role.EDITOR)
    return services.change_dataset(dataset, name=body.name, description=body.description, actor=request.auth)


@router.delete("/datasets/{dataset_id}", response={204: None}, operation_id="delete_dataset")
def delete_dataset(request: ApiRequest, dataset_id: str) -> Status[None]:
    services.delete_dataset(get_visible(request, Dataset, dataset_id, at_least=Role.EDITOR), actor=request.auth)
    return Status(204, None)


@router.post("/datasets/{dataset_id}/restore", response=DatasetOut, operation_id="restore_dataset")
def restore_dataset(request: ApiRequest, dataset_id: str) -> Dataset:
    return services.restore_dataset(get_visible(request, Dataset, dataset_id, at_least=Role.EDITOR), actor=request.auth)


@router.get("/datasets/{dataset_id}/versions", response=Page[VersionOut], operation_id="list_dataset_versions")
def list_dataset_versions(
    request: ApiRequest, dataset_id: str, cursor: str | None = None, limit: PageLimit = 50
) -> dict[str, Any]:
    versions = selectors.version_list(get_visible(request, Dataset, dataset_id))
    items, following = paginate(versions, cursor, limit, order=("-number", "id"))
    return {"items": items, "next": following}


@router.post("/datasets/{dataset_id}/versions", response={201: Created}, operation_id="add_dataset_version")
def add_dataset_version(request: ApiRequest, dataset_id: str, body: VersionIn) -> Status[dict[str, Any]]:
    dataset = get_visible(request, Dataset, dataset_id, at_least=Role.EDITOR)
    version, job = services.add_version(dataset, body, actor=request.auth)
    return Status(201, {"dataset": dataset, "version": version, "job": job})


@router.get("/dataset-versions/{version_id}", response=VersionOut, operation_id="get_dataset_version")
def get_dataset_version(request: ApiRequest, version_id: str) -> DatasetVersion:
    return get_visible(request, DatasetVersion, version_id)


@router.get("/dataset-versions/{version_id}/rows", response=RowsOut, operation_id="list_dataset_rows")
def list_dataset_rows(
    request: ApiRequest,
    version_id: str,
    *,
    split: str = "train",
    offset: Annotated[int, Field(ge=0)] = 0,
    limit: PageLimit = 50,
    q: Annotated[str, Field(max_length=200)] = "",
) -> dict[str, Any]:
    return selectors.row_page(get_visible(request, DatasetVersion, version_id), split, offset=offset, limit=limit, q=q)


@router.post("/dataset-versions/{version_id}/stats", response={201: JobOut}, operation_id="count_dataset_tokens")
def count_dataset_tokens(request: ApiRequest, version_id: str, body: StatsIn) -> Status[Job]:
    version = get_visible(request, DatasetVersion, version_id, at_least=Role.EDITOR)
    return Status(201, services.request_stats(version, model_id=body.model_id, actor=request.auth))


@router.get("/dataset-versions/{version_id}/stats", response=StatsOut, operation_id="get_dataset_stats")
def get_dataset_stats(request: ApiRequest, version_id: str, model_id: str) -> dict[str, Any]:
    return selectors.stats(get_visible(request, DatasetVersion, version_id), model_id)


@router.post("/dataset-versions/{version_id}/render", response={201: JobOut}, operation_id="render_dataset_rows")
def render_dataset_rows(request: ApiRequest, version_id: str, body: RenderIn) -> Status[Job]:
    version = get_visible(request, DatasetVersion, version_id)
    return Status(201, services.request_render(version, body, actor=request.auth))
