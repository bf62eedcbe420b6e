"""Trials of rewards over REST: parse, call, answer."""

from typing import Annotated, Any, Literal

from ninja import Router, Status
from pydantic import Field

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.paging import Page, paginate
from runs.trials import selectors, services
from runs.trials.models import Trial
from runs.trials.schemas import TrialIn, TrialOut, TriedPage

router = Router(tags=["rewards"])

PageLimit = Annotated[int, Field(ge=1, le=200)]


@router.post("/projects/{project_id}/reward-trials", response={201: TrialOut}, operation_id="try_reward")
def try_reward(request: ApiRequest, project_id: str, body: TrialIn) -> Status[Trial]:
    """Asks a reward about a few answers; cancel its job to stop it."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, services.ask_trial(project, request.auth, body))


@router.get("/projects/{project_id}/reward-trials", response=Page[TrialOut], operation_id="list_reward_trials")
def list_reward_trials(
    request: ApiRequest, project_id: str, *, reward: str = "", cursor: str | None = None, limit: PageLimit = 50
) -> dict[str, Any]:
    trials = selectors.trial_list(project_for(request, project_id), reward=reward)
    items, following = paginate(trials, cursor, limit)
    return {"items": items, "next": following}


@router.get("/reward-trials/{trial_id}", response=TrialOut, operation_id="get_reward_trial")
def get_reward_trial(request: ApiRequest, trial_id: str) -> Trial:
    return get_visible(request, Trial, trial_id)


@router.get("/reward-trials/{trial_id}/prompts", response=TriedPage, operation_id="list_tried_prompts")
def list_tried_prompts(
    request: ApiRequest,
    trial_id: str,
    *,
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0,
    limit: PageLimit = 50,
    sort: Literal["asked", "shift"] = "asked",
    only: Literal["", "reordered", "flat"] = "",
) -> dict[str, Any]:
    """Prompts with their scored answers; `sort=shift` brings those first whose advantages moved most."""
    return selectors.tried_page(get_visible(request, Trial, trial_id), offset=offset, limit=limit, sort=sort, only=only)
