"""Models over REST: parse, call, answer."""

from typing import Annotated, Any, Literal

from django.http import StreamingHttpResponse
from ninja import Router, Status
from pydantic import Field

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.library import selectors, services
from runs.library.export import archive_answer, entries
from runs.library.models import LibraryModel, ModelState
from runs.library.schemas import MergeIn, ModelCreated, ModelIn, ModelOut, ModelPatch
from runs.paging import Page, paginate
from runs.problems import Conflict

router = Router(tags=["models"])


@router.get("/projects/{project_id}/models", response=Page[ModelOut], operation_id="list_models")
def list_models(
    request: ApiRequest,
    project_id: str,
    *,
    q: str = "",
    kind: Literal["", "causal", "reward"] = "",
    cursor: str | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    items, following = paginate(selectors.model_list(project_for(request, project_id), q=q, kind=kind), cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/models", response={201: ModelCreated}, operation_id="register_model")
def register_model(request: ApiRequest, project_id: str, body: ModelIn) -> Status[dict[str, Any]]:
    model, job = services.register_model(project_for(request, project_id, Role.EDITOR), body, actor=request.auth)
    return Status(201, {"model": model, "job": job})


@router.get("/models/{model_id}", response=ModelOut, operation_id="get_model")
def get_model(request: ApiRequest, model_id: str) -> LibraryModel:
    return get_visible(request, LibraryModel, model_id)


@router.patch("/models/{model_id}", response=ModelOut, operation_id="change_model")
def change_model(request: ApiRequest, model_id: str, body: ModelPatch) -> LibraryModel:
    model = get_visible(request, LibraryModel, model_id, at_least=Role.EDITOR)
    return services.rename_model(model, name=body.name, actor=request.auth)


@router.delete("/models/{model_id}", response={204: None}, operation_id="delete_model")
def delete_model(request: ApiRequest, model_id: str) -> Status[None]:
    services.delete_model(get_visible(request, LibraryModel, model_id, at_least=Role.EDITOR), actor=request.auth)
    return Status(204, None)


@router.post("/models/{model_id}/merge", response={201: ModelCreated}, operation_id="merge_model")
def merge_model(request: ApiRequest, model_id: str, body: MergeIn) -> Status[dict[str, Any]]:
    """A new model of the adapter merged into its base."""
    model = get_visible(request, LibraryModel, model_id, at_least=Role.EDITOR)
    merged, job = services.merge_model(model, name=body.name, actor=request.auth)
    return Status(201, {"model": merged, "job": job})


@router.get("/models/{model_id}/export", response={200: None}, operation_id="export_model")
def export_model(request: ApiRequest, model_id: str) -> StreamingHttpResponse:
    """The model as a tar archive that transformers loads; an adapter beside its base, as peft does."""
    model = get_visible(request, LibraryModel, model_id)
    if model.state != ModelState.READY:
        raise Conflict("model_not_ready", f"Model {model.name} is {model.state}. Only a ready model has files to export.")
    return archive_answer(model.name, entries(model.name, model.path, model.adapter_path))


@router.post("/models/{model_id}/restore", response=ModelOut, operation_id="restore_model")
def restore_model(request: ApiRequest, model_id: str) -> LibraryModel:
    return services.restore_model(get_visible(request, LibraryModel, model_id, at_least=Role.EDITOR), actor=request.auth)
