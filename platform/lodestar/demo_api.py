"""The demo's two runs over REST. Here and not in a room, since they need all of them."""

from django.http import HttpRequest
from ninja import Router, Status

from lodestar import demo
from runs.accounts.access import Role, actor_of, project_for
from runs.launches.schemas import RunSummary
from runs.paging import Page
from runs.problems import NotFound

router = Router(tags=["demo"])


@router.post("/projects/{project_id}/demo-runs", response={201: Page[RunSummary]}, operation_id="launch_demo")
def launch_demo(request: HttpRequest, project_id: str) -> Status[dict[str, object]]:
    """Launches the demo: a supervised warm-up, then GRPO from its model. 409 while a worker still makes model and data."""
    project = project_for(request, project_id, Role.EDITOR)
    if not project.is_demo:
        raise NotFound("This project holds no demo.")
    return Status(201, {"items": demo.launch(project, actor_of(request)), "next": None})
