"""Methods, saved configs and preflight over REST."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.gzip import gzip_page
from ninja import Body, Router, Status
from ninja.decorators import decorate_view

from runs.accounts.access import Role, actor_of, get_visible, project_for
from runs.algorithms import selectors, services, worlds
from runs.algorithms.models import AlgorithmConfig
from runs.algorithms.schemas import (
    AlgorithmConfigEdit,
    AlgorithmConfigIn,
    AlgorithmConfigOut,
    CatalogueOut,
    ConfigIn,
    FieldErrorOut,
    ValidationOut,
    WorldIn,
    WorldPreviewIn,
)
from runs.datasets.schemas import Created
from runs.jobs.models import Job
from runs.jobs.schemas import JobOut
from runs.paging import Page, paginate
from workers.contract.catalogue import MethodCard

router = Router(tags=["algorithms"])

Draft = Annotated[dict[str, Any], Body()]


@router.get("/algorithms", response=CatalogueOut, operation_id="get_catalogue")
@decorate_view(gzip_page)  # a megabyte of schemas that repeat one another
def get_catalogue(request: HttpRequest) -> HttpResponse:
    """Every method, reward term and generated world. Answers 304 when `If-None-Match` names the catalogue the client has."""
    missing = selectors.missing_on_workers()
    etag = f'"{selectors.current_hash()[:32]}-{len(missing)}"'
    if known := get_conditional_response(request, etag=etag):
        return known
    catalogue = selectors.catalogue()
    body = CatalogueOut(
        methods=catalogue.methods, reward_terms=catalogue.reward_terms, worlds=catalogue.worlds, hash=selectors.current_hash(),
        workers_missing=missing,
    )
    return HttpResponse(
        body.model_dump_json(), content_type="application/json", headers={"ETag": etag, "Cache-Control": "private, no-cache"}
    )


@router.get("/algorithms/{slug}", response=MethodCard, operation_id="get_algorithm")
def get_algorithm(request: HttpRequest, slug: str) -> MethodCard:
    return selectors.method_card(slug)


@router.post("/algorithms/{slug}/validate", response=ValidationOut, operation_id="validate_config")
def validate_config(request: HttpRequest, slug: str, body: ConfigIn) -> ValidationOut:
    """What is wrong with a config, field by field (dotted paths into the config; into `reward.` when one is sent)."""
    config, errors = selectors.check_config(slug, body.config)
    found = [FieldErrorOut(field=error.field, message=error.message) for error in errors]
    if body.reward is not None:
        _, errors = selectors.check_reward(slug, body.reward)
        found += [FieldErrorOut(field=f"reward.{error.field}".rstrip("."), message=error.message) for error in errors]
    return ValidationOut(valid=not found, config=body.config if found else config, errors=found)


@router.get("/projects/{project_id}/algorithm-configs", response=Page[AlgorithmConfigOut], operation_id="list_configs")
def list_configs(request: HttpRequest, project_id: str, cursor: str | None = None, limit: int = 50) -> dict[str, object]:
    items, following = paginate(selectors.saved_configs(project_for(request, project_id)), cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/algorithm-configs", response={201: AlgorithmConfigOut}, operation_id="create_config")
def create_config(request: HttpRequest, project_id: str, body: AlgorithmConfigIn) -> Status[AlgorithmConfig]:
    project = project_for(request, project_id, at_least=Role.EDITOR)
    saved = services.save_config(
        project, actor_of(request), name=body.name, method=body.method, config=body.config, reward=body.reward,
        description=body.description,
    )
    return Status(201, saved)


@router.get("/algorithm-configs/{config_id}", response=AlgorithmConfigOut, operation_id="get_config")
def get_config(request: HttpRequest, config_id: str) -> AlgorithmConfig:
    return get_visible(request, AlgorithmConfig, config_id)


@router.patch("/algorithm-configs/{config_id}", response=AlgorithmConfigOut, operation_id="edit_config")
def edit_config(request: HttpRequest, config_id: str, body: AlgorithmConfigEdit) -> AlgorithmConfig:
    saved = get_visible(request, AlgorithmConfig, config_id, at_least=Role.EDITOR)
    return services.edit_config(saved, actor_of(request), body.model_dump(mode="json", exclude_unset=True))


@router.delete("/algorithm-configs/{config_id}", response={204: None}, operation_id="delete_config")
def delete_config(request: HttpRequest, config_id: str) -> Status[None]:
    services.delete_config(get_visible(request, AlgorithmConfig, config_id, at_least=Role.EDITOR), actor_of(request))
    return Status(204, None)


@router.post("/projects/{project_id}/preflight", response={201: JobOut}, operation_id="preflight")
def preflight(request: HttpRequest, project_id: str, body: Draft) -> Status[Job]:
    """Checks a run draft, which may be half made, against model and data; the job's result is a preflight report."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, services.ask_preflight(project, actor_of(request), body))


@router.post("/projects/{project_id}/worlds/{world}/preview", response={201: JobOut}, operation_id="preview_world")
def preview_world(request: HttpRequest, project_id: str, world: str, body: WorldPreviewIn) -> Status[Job]:
    """Generates a part of a world and shows its first rows: the job's result is `{splits: [{name, rows, first}]}`."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, worlds.ask_preview(project, actor_of(request), world, body))


@router.post("/projects/{project_id}/worlds/{world}/datasets", response={201: Created}, operation_id="create_world_dataset")
def create_world_dataset(request: HttpRequest, project_id: str, world: str, body: WorldIn) -> Status[dict[str, Any]]:
    """A data set of generated rows; its version is ready once the job is done, and says the knobs it was made with."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    version, job = worlds.create_world_dataset(project, actor_of(request), world, body)
    return Status(201, {"dataset": version.dataset, "version": version, "job": job})
