"""Jobs over REST: look, list, cancel."""

from django.http import HttpRequest
from ninja import Query, Router

from runs.accounts.access import Role, get_visible, project_for
from runs.jobs import selectors, services
from runs.jobs.models import Job
from runs.jobs.schemas import JobOut
from runs.paging import Page, paginate

router = Router(tags=["jobs"])


@router.get("/jobs/{job_id}", response=JobOut, operation_id="get_job")
def get_job(request: HttpRequest, job_id: str) -> Job:
    return get_visible(request, Job, job_id)


@router.get("/projects/{project_id}/jobs", response=Page[JobOut], operation_id="list_jobs")
def list_jobs(
    request: HttpRequest,
    project_id: str,
    *,
    kind: str = "",
    state: str = Query("", description="States, comma-separated."),
    cursor: str | None = None,
    limit: int = 50,
) -> dict[str, object]:
    jobs = selectors.job_list(project_for(request, project_id), kind=kind, state=state)
    items, following = paginate(jobs, cursor, limit)
    return {"items": items, "next": following}


@router.post("/jobs/{job_id}/cancel", response=JobOut, operation_id="cancel_job")
def cancel_job(request: HttpRequest, job_id: str) -> Job:
    return services.request_cancel(get_visible(request, Job, job_id, at_least=Role.EDITOR))
