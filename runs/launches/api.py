"""Runs, their checkpoints and the workers over REST."""

from typing import Annotated, Any

from django.http import StreamingHttpResponse
from ninja import Query, Router, Status

from runs.accounts.access import ApiRequest, Role, get_visible, project_for, require
from runs.datasets.models import DatasetVersion
from runs.launches import selectors, services
from runs.launches.freeze import checkpoint_ref
from runs.launches.lineage import lineage_document, lineage_of
from runs.launches.models import Artifact, Checkpoint, Run, RunHistory
from runs.launches.schemas import (
    ArtifactOut,
    CheckpointOut,
    ControlIn,
    HistoryOut,
    LineageOut,
    RegisterIn,
    RunDraft,
    RunEdit,
    RunOut,
    RunSummary,
    WorkerOut,
)
from runs.library.export import archive_answer, entries
from runs.library.models import LibraryModel
from runs.library.schemas import ModelOut
from runs.paging import Page, paginate
from runs.problems import NotFound

router = Router(tags=["runs"])


@router.post("/projects/{project_id}/runs", response={201: RunOut}, operation_id="create_run")
def create_run(request: ApiRequest, project_id: str, draft: RunDraft, start: bool = True) -> Status[Run]:
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, services.create_run(project, draft, request.auth, start=start))


@router.get("/projects/{project_id}/runs", response=Page[RunSummary], operation_id="list_runs")
def list_runs(
    request: ApiRequest,
    project_id: str,
    *,
    q: Annotated[str, Query(max_length=500, description="Words, `state:running`, `tag:x`, `config.lr:0.1`, `reward>0.5`.")] = "",
    state: Annotated[str, Query(description="States, comma-separated.")] = "",
    method: str = "",
    kind: Annotated[str, Query(description="Kinds, comma-separated: train, evaluate, generate, score, serve.")] = "",
    tag: str = "",
    dataset_version: str = "",
    reward: Annotated[str, Query(description="A reward or one version of it: runs that learn from it.")] = "",
    deleted: bool = False,
    sort: Annotated[str, Query(description="A field or `metric:<name>`; `-` in front turns it round.")] = "-created_at",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, object]:
    project = project_for(request, project_id)
    runs = selectors.run_list(
        project, q=q, state=state, method=method, kind=kind, tag=tag, dataset_version=dataset_version, reward=reward,
        deleted=deleted,
    )
    runs, order = selectors.ordered(runs, sort)
    items, following = paginate(runs, cursor, limit, order=order)
    return {"items": items, "next": following}


@router.get("/runs/{run_id}", response=RunOut, operation_id="get_run")
def get_run(request: ApiRequest, run_id: str) -> Run:
    return get_visible(request, Run, run_id)


@router.patch("/runs/{run_id}", response=RunOut, operation_id="edit_run")
def edit_run(request: ApiRequest, run_id: str, edit: RunEdit) -> Run:
    return services.edit_run(get_visible(request, Run, run_id, at_least=Role.EDITOR), edit, request.auth)


@router.delete("/runs/{run_id}", response={204: None}, operation_id="delete_run")
def delete_run(request: ApiRequest, run_id: str) -> Status[None]:
    services.delete_run(get_visible(request, Run, run_id, at_least=Role.EDITOR), request.auth)
    return Status(204, None)


@router.post("/runs/{run_id}/restore", response=RunOut, operation_id="restore_run")
def restore_run(request: ApiRequest, run_id: str) -> Run:
    return services.restore_run(get_visible(request, Run, run_id, at_least=Role.EDITOR), request.auth)


@router.post("/runs/{run_id}/start", response=RunOut, operation_id="start_run")
def start_run(request: ApiRequest, run_id: str) -> Run:
    return services.start(get_visible(request, Run, run_id, at_least=Role.EDITOR), request.auth)


@router.post("/runs/{run_id}/control", response={202: RunOut}, operation_id="control_run")
def control_run(request: ApiRequest, run_id: str, control: ControlIn) -> Status[Run]:
    run = get_visible(request, Run, run_id, at_least=Role.EDITOR)
    return Status(202, services.request_control(run, control, request.auth))


@router.post("/runs/{run_id}/retry", response=RunOut, operation_id="retry_run")
def retry_run(request: ApiRequest, run_id: str) -> Run:
    return services.retry(get_visible(request, Run, run_id, at_least=Role.EDITOR), request.auth)


@router.get("/runs/{run_id}/draft", response=RunDraft, operation_id="get_run_draft")
def get_run_draft(request: ApiRequest, run_id: str) -> dict[str, object]:
    """The run as a draft, to change and launch again."""
    run = get_visible(request, Run, run_id)
    return {**run.draft, "name": "", "cloned_from": run.id}


@router.get("/runs/{run_id}/history", response=list[HistoryOut], by_alias=True, operation_id="get_run_history")
def get_run_history(request: ApiRequest, run_id: str) -> list[RunHistory]:
    return list(get_visible(request, Run, run_id).history.all())


@router.get("/runs/{run_id}/checkpoints", response=list[CheckpointOut], operation_id="list_checkpoints")
def list_checkpoints(request: ApiRequest, run_id: str) -> list[Checkpoint]:
    return selectors.checkpoint_list(get_visible(request, Run, run_id))


@router.get("/runs/{run_id}/artifacts", response=list[ArtifactOut], operation_id="list_artifacts")
def list_artifacts(request: ApiRequest, run_id: str) -> list[Artifact]:
    return selectors.artifact_list(get_visible(request, Run, run_id))


@router.get("/artifacts/{artifact_id}/document", response=dict[str, Any], operation_id="artifact_document")
def artifact_document(request: ApiRequest, artifact_id: str) -> dict[str, Any]:
    """The report that an artifact holds, as its engine wrote it. Artifacts without one answer 404."""
    artifact = Artifact.objects.filter(id=artifact_id).first()
    if artifact is None:
        raise NotFound
    get_visible(request, Run, artifact.run_id)
    return selectors.artifact_document(artifact)


@router.post("/checkpoints/{checkpoint_id}/register", response={201: ModelOut}, operation_id="register_checkpoint")
def register_checkpoint(request: ApiRequest, checkpoint_id: str, body: RegisterIn) -> Status[LibraryModel]:
    checkpoint = Checkpoint.objects.filter(id=checkpoint_id).first()
    if checkpoint is None:
        raise NotFound
    run = get_visible(request, Run, checkpoint.run_id)
    require(request, run.project, Role.EDITOR)
    return Status(201, services.register_checkpoint(checkpoint, body.name, request.auth))


@router.get("/checkpoints/{checkpoint_id}/export", response={200: None}, operation_id="export_checkpoint")
def export_checkpoint(request: ApiRequest, checkpoint_id: str) -> StreamingHttpResponse:
    """The checkpoint's model as a tar archive that transformers loads; an adapter beside its base, as peft does."""
    checkpoint = Checkpoint.objects.filter(id=checkpoint_id).first()
    if checkpoint is None:
        raise NotFound
    run = get_visible(request, Run, checkpoint.run_id)
    ref = checkpoint_ref(checkpoint.id, run.project)
    return archive_answer(ref.name, entries(ref.name, ref.path, ref.adapter_path or ""))


@router.get("/runs/{run_id}/lineage", response=LineageOut, operation_id="get_run_lineage")
def get_run_lineage(request: ApiRequest, run_id: str) -> dict[str, Any]:
    """What the run came from and what became of it."""
    run = get_visible(request, Run, run_id)
    return lineage_document(lineage_of(run.project, run.id))


@router.get("/models/{model_id}/lineage", response=LineageOut, operation_id="get_model_lineage")
def get_model_lineage(request: ApiRequest, model_id: str) -> dict[str, Any]:
    """What the model came from and what became of it."""
    model = get_visible(request, LibraryModel, model_id)
    return lineage_document(lineage_of(model.project, model.id))


@router.get("/dataset-versions/{version_id}/lineage", response=LineageOut, operation_id="get_version_lineage")
def get_version_lineage(request: ApiRequest, version_id: str) -> dict[str, Any]:
    """What the rows came from and what became of them."""
    version = get_visible(request, DatasetVersion, version_id)
    return lineage_document(lineage_of(version.project, version.id))


@router.get("/workers", response=list[WorkerOut], operation_id="list_workers")
def list_workers(request: ApiRequest) -> list[dict[str, object]]:
    return selectors.worker_list()
