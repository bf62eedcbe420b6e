"""Jobs over REST: look, list, cancel."""

from typing import Annotated

from ninja import Query, Router

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.jobs import selectors, services
from runs.jobs.models import Job
from runs.jobs.schemas import JobOut
from runs.paging import Page, paginate

router = Router(tags=["jobs"])


@router.get("/jobs/{job_id}", response=JobOut, operation_id="get_job")
def get_job(request: ApiRequest, job_id: str) -> Job:
    return get_visible(request, Job, job_id)


@router.get("/projects/{project_id}/jobs", response=Page[JobOut], operation_id="list_jobs")
def list_jobs(
    request: ApiRequest,
    project_id: str,
    *,
    kind: str = "",
    state: Annotated[str, Query(description="States, comma-separated.")] = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, object]:
    jobs = selectors.job_list(project_for(request, project_id), kind=kind, state=state)
    items, following = paginate(jobs, cursor, limit)
    return {"items": items, "next": following}


@router.post("/jobs/{job_id}/cancel", response=JobOut, operation_id="cancel_job")
def cancel_job(request: ApiRequest, job_id: str) -> Job:
    return services.request_cancel(get_visible(request, Job, job_id, at_least=Role.EDITOR))
