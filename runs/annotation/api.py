"""Campaigns, the work on them, what came of it and its export, over REST.

Annotators see the campaigns and their own work; whose answers they compare, and what the others said, is hidden from them.
"""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from runs.accounts.access import ApiRequest, Role, get_visible, project_for, role_in
from runs.annotation import selectors, services
from runs.annotation.labels import labels
from runs.annotation.models import Assignment, Campaign, CampaignExport, Shape, Task
from runs.annotation.schemas import (
    CampaignExportCounts,
    CampaignExportIn,
    CampaignExportOut,
    CampaignIn,
    CampaignOut,
    CampaignOverview,
    CampaignPatch,
    CampaignPreview,
    CampaignProgress,
    CampaignSourceIn,
    ConflictOut,
    HandIn,
    HandOut,
    Judged,
    JudgmentIn,
    ResolveIn,
    UndoIn,
    Undone,
)
from runs.annotation.services.exports import dataset_of, export_file, same_export
from runs.annotation.sources import draw
from runs.datasets.selectors import version_list
from runs.paging import Page, paginate
from runs.problems import NotFound

router = Router(tags=["annotation"])
PREVIEWED = 3
PREVIEW_SEED = 1


@router.post("/projects/{project_id}/campaigns", response={201: CampaignOut}, operation_id="create_campaign")
def create_campaign(request: ApiRequest, project_id: str, body: CampaignIn) -> Status[Campaign]:
    """Draws the pairs and opens the campaign. A source that gives none is refused, with what to do about it."""
    project = project_for(request, project_id, Role.EDITOR)
    return Status(201, _told(request, services.create_campaign(project, body, actor=request.auth)))


@router.get("/projects/{project_id}/campaigns", response=Page[CampaignOut], operation_id="list_campaigns")
def list_campaigns(
    request: ApiRequest,
    project_id: str,
    *,
    deleted: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, object]:
    project = project_for(request, project_id, annotators=True)
    items, following = paginate(selectors.campaign_list(project, request.auth, deleted=deleted), cursor, limit)
    if role_in(request.auth, project_id) == Role.ANNOTATOR:
        for campaign in items:
            campaign.source = None
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/campaign-preview", response=CampaignPreview, operation_id="preview_campaign")
def preview_campaign(request: ApiRequest, project_id: str, body: CampaignSourceIn) -> dict[str, Any]:
    """The first pairs that a campaign over this source might show; nothing is kept."""
    project = project_for(request, project_id, Role.EDITOR)
    drawn = draw(project, body.source, limit=PREVIEWED, seed=PREVIEW_SEED)
    pairs = [{"prompt": pair.prompt, "a": pair.first["text"], "b": pair.second["text"]} for pair in drawn.pairs]
    return {"pairs": pairs, "left_out": dict(drawn.left_out)}


@router.get("/campaigns/{campaign_id}", response=CampaignOut, operation_id="get_campaign")
def get_campaign(request: ApiRequest, campaign_id: str) -> Campaign:
    return _told(request, get_visible(request, Campaign, campaign_id, annotators=True))


@router.patch("/campaigns/{campaign_id}", response=CampaignOut, operation_id="edit_campaign")
def edit_campaign(request: ApiRequest, campaign_id: str, body: CampaignPatch) -> Campaign:
    changes = body.model_dump(exclude_none=True)
    return _told(request, services.edit_campaign(_edited(request, campaign_id), changes, actor=request.auth))


@router.delete("/campaigns/{campaign_id}", response={204: None}, operation_id="delete_campaign")
def delete_campaign(request: ApiRequest, campaign_id: str) -> Status[None]:
    services.delete_campaign(_edited(request, campaign_id), actor=request.auth)
    return Status(204, None)


@router.post("/campaigns/{campaign_id}/restore", response=CampaignOut, operation_id="restore_campaign")
def restore_campaign(request: ApiRequest, campaign_id: str) -> Campaign:
    return _told(request, services.restore_campaign(_edited(request, campaign_id), actor=request.auth))


@router.post("/campaigns/{campaign_id}/finish", response=CampaignOut, operation_id="finish_campaign")
def finish_campaign(request: ApiRequest, campaign_id: str) -> Campaign:
    """Ends the campaign with the judgments it has."""
    return _told(request, services.finish_campaign(_edited(request, campaign_id), actor=request.auth))


@router.post("/campaigns/{campaign_id}/reopen", response=CampaignOut, operation_id="reopen_campaign")
def reopen_campaign(request: ApiRequest, campaign_id: str) -> Campaign:
    return _told(request, services.reopen_campaign(_edited(request, campaign_id), actor=request.auth))


@router.post("/campaigns/{campaign_id}/tasks", response=HandOut, operation_id="hand_out_tasks")
def hand_out_tasks(request: ApiRequest, campaign_id: str, body: HandIn) -> dict[str, Any]:
    """Pairs to judge: those in hand, and so many more that it makes `want`. A hold lasts ten minutes; asking prolongs it."""
    campaign = _worked_on(request, campaign_id)
    held = services.hand_out(campaign, actor=request.auth, want=body.want) if body.want else []
    return _handed(campaign, request, held)


@router.post("/campaigns/{campaign_id}/judgments", response={200: Judged, 201: Judged}, operation_id="submit_judgment")
def submit_judgment(request: ApiRequest, campaign_id: str, body: JudgmentIn) -> Status[dict[str, Any]]:
    """Keeps a judgment, once for each client id (200: it was kept before), and hands out the next pairs."""
    campaign = _worked_on(request, campaign_id)
    judgment, new, held = services.submit_and_go_on(campaign, body, actor=request.auth)
    return Status(201 if new else 200, {"judgment": judgment, **_handed(campaign, request, held)})


@router.post("/campaigns/{campaign_id}/undo", response=Undone, operation_id="undo_judgment")
def undo_judgment(request: ApiRequest, campaign_id: str, body: UndoIn) -> dict[str, Any]:
    campaign = _worked_on(request, campaign_id)
    judgment, held = services.undo(campaign, actor=request.auth, client_id=body.client_id)
    progress = selectors.work_progress(campaign, request.auth)
    return {"judgment": judgment, "task": selectors.held_task(held), "progress": progress}


@router.get("/campaigns/{campaign_id}/progress", response=CampaignProgress, operation_id="get_campaign_progress")
def get_campaign_progress(request: ApiRequest, campaign_id: str) -> dict[str, Any]:
    return selectors.progress(get_visible(request, Campaign, campaign_id, annotators=True), request.auth)


@router.get("/campaigns/{campaign_id}/overview", response=CampaignOverview, operation_id="get_campaign_overview")
def get_campaign_overview(request: ApiRequest, campaign_id: str) -> dict[str, Any]:
    return selectors.overview(get_visible(request, Campaign, campaign_id), request.auth)


@router.get("/campaigns/{campaign_id}/review", response=Page[ConflictOut], operation_id="review_campaign")
def review_campaign(
    request: ApiRequest,
    campaign_id: str,
    *,
    what: Literal["conflicts", "flagged"] = "conflicts",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, object]:
    """Pairs on which people chose different sides, or that somebody flagged, with what each said."""
    tasks = selectors.review_list(get_visible(request, Campaign, campaign_id), what)
    items, following = paginate(tasks, cursor, limit, order=("number",))
    return {"items": list(map(_reviewed, items)), "next": following}


@router.post("/campaigns/{campaign_id}/tasks/{task_id}/resolution", response=ConflictOut, operation_id="resolve_conflict")
def resolve_conflict(request: ApiRequest, campaign_id: str, task_id: str, body: ResolveIn) -> dict[str, Any]:
    campaign = _edited(request, campaign_id)
    services.resolve(campaign, task_id, body.verdict, actor=request.auth)
    return _reviewed(selectors.task_for_review(task_id))


@router.get("/campaigns/{campaign_id}/export-counts", response=CampaignExportCounts, operation_id="count_export_rows")
def count_export_rows(
    request: ApiRequest, campaign_id: str, shape: Literal["preference", "unpaired"] = "preference"
) -> dict[str, Any]:
    """What an export would hold now, what it leaves out, and the number of the version it would make."""
    campaign = get_visible(request, Campaign, campaign_id)
    made = labels(campaign, shape)
    dataset = dataset_of(campaign, Shape(shape))
    last = version_list(dataset).first() if dataset else None
    same = same_export(campaign, shape)
    return {
        "shape": shape, "rows": len(made.rows), "left_out": dict(made.left_out),
        "next_version": last.number + 1 if last else 1,
        "unchanged_since": same.version.number if same and same.version else None,
    }  # fmt: skip


@router.post(
    "/campaigns/{campaign_id}/exports",
    response={200: CampaignExportOut, 201: CampaignExportOut},
    operation_id="export_campaign",
)
def export_campaign(request: ApiRequest, campaign_id: str, body: CampaignExportIn) -> Status[dict[str, Any]]:
    """The judgments as a new version of the campaign's data set; 200 when one of the same judgments is there already."""
    export, new = services.export_version(_edited(request, campaign_id), body.shape, actor=request.auth)
    return Status(201 if new else 200, _exported(export))


@router.get("/campaigns/{campaign_id}/exports", response=list[CampaignExportOut], operation_id="list_campaign_exports")
def list_campaign_exports(request: ApiRequest, campaign_id: str) -> list[dict[str, Any]]:
    return list(map(_exported, selectors.export_list(get_visible(request, Campaign, campaign_id))))


@router.get("/campaign-exports/{export_id}", response=CampaignExportOut, operation_id="get_campaign_export")
def get_campaign_export(request: ApiRequest, export_id: str) -> dict[str, Any]:
    return _exported(get_visible(request, CampaignExport, export_id))


@router.get("/campaign-exports/{export_id}/file", response=bytes, operation_id="download_campaign_export")
def download_campaign_export(
    request: ApiRequest, export_id: str, file_format: Annotated[Literal["jsonl", "parquet"], Query(alias="format")] = "jsonl"
) -> HttpResponse:
    """The rows as a file that `datasets.load_dataset("json" | "parquet", data_files=…)` loads."""
    export = get_visible(request, CampaignExport, export_id)
    path = export_file(export.id, file_format)
    if not path.is_file():
        raise NotFound("The file is not written yet, or is gone. Wait for the export, or export again.")
    answer = HttpResponse(path.read_bytes(), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{export.campaign_id}-{export.shape}.{file_format}"'
    return answer


def _edited(request: HttpRequest, campaign_id: str) -> Campaign:
    return get_visible(request, Campaign, campaign_id, at_least=Role.EDITOR)


def _worked_on(request: HttpRequest, campaign_id: str) -> Campaign:
    return get_visible(request, Campaign, campaign_id, at_least=Role.ANNOTATOR)


def _told(request: ApiRequest, campaign: Campaign) -> Campaign:
    told = selectors.with_mine(Campaign.objects.filter(pk=campaign.pk), request.auth).get()
    if role_in(request.auth, told.project_id) == Role.ANNOTATOR:
        told.source = None
    return told


def _handed(campaign: Campaign, request: ApiRequest, held: list[Assignment]) -> dict[str, Any]:
    return {"tasks": selectors.held_tasks(held), "progress": selectors.work_progress(campaign, request.auth)}


def _reviewed(task: Task) -> dict[str, Any]:
    votes = [
        {"annotator": one.annotator.name, "verdict": one.verdict, "comment": one.comment, "flagged": one.flagged,
         "seconds": one.seconds, "created_at": one.created_at}
        for one in task.judgments.all()
    ]
    return {
        "id": task.id, "number": task.number, **selectors.shown(task), "votes": votes,
        "resolution": task.resolution or None, "resolved_by": task.resolved_by.name if task.resolved_by else None,
        "resolved_at": task.resolved_at,
    }  # fmt: skip


def _exported(export: CampaignExport) -> dict[str, Any]:
    version, job = export.version, export.job
    waiting = "refused" if job is None or job.state in ("failed", "cancelled") else "writing"
    return {
        "id": export.id, "campaign_id": export.campaign_id, "shape": export.shape,
        "state": version.state if version else waiting,
        "error": (version.error if version else None) or (job.error if job else None),
        "rows": export.rows, "left_out": export.left_out, "created_at": export.created_at,
        "job_id": version.job_id if version else (job.id if job else None),
        "dataset_id": version.dataset_id if version else None, "version_id": version.id if version else None,
        "version_number": version.number if version else None,
    }  # fmt: skip
