"""Rewards and their versions over REST: parse, call, answer."""

from typing import Annotated, Any

from ninja import Router, Status
from pydantic import Field

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.paging import Page, paginate
from runs.rewards import selectors, services
from runs.rewards.models import Reward, RewardVersion
from runs.rewards.schemas import GraderIn, RewardIn, RewardOut, RewardPatch, RewardVersionIn, RewardVersionOut
from workers.contract.graders import JudgeChoice
from workers.contract.run_spec import RewardPipeline

router = Router(tags=["rewards"])

PageLimit = Annotated[int, Field(ge=1, le=200)]


@router.get("/projects/{project_id}/rewards", response=Page[RewardOut], operation_id="list_rewards")
def list_rewards(
    request: ApiRequest,
    project_id: str,
    *,
    q: str = "",
    deleted: bool = False,
    cursor: str | None = None,
    limit: PageLimit = 50,
) -> dict[str, Any]:
    rewards = selectors.reward_list(project_for(request, project_id), q=q, deleted=deleted)
    items, following = paginate(rewards, cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/rewards", response={201: RewardOut}, operation_id="create_reward")
def create_reward(request: ApiRequest, project_id: str, body: RewardIn) -> Status[Reward]:
    project = project_for(request, project_id, at_least=Role.EDITOR)
    reward = services.create_reward(
        project, request.auth, name=body.name, description=body.description, pipeline=body.pipeline, note=body.note
    )
    return Status(201, reward)


@router.post("/projects/{project_id}/rewards/from-grader", response=RewardPipeline, operation_id="read_grader")
def read_grader(request: ApiRequest, project_id: str, body: GraderIn) -> RewardPipeline:
    """OpenAI's grader as a pipeline, checked as one is before it is saved; keeps nothing."""
    judge = None if body.judge is None else JudgeChoice(**body.judge.model_dump())
    return selectors.graded_pipeline(body.grader, judge, project=project_for(request, project_id))


@router.get("/rewards/{reward_id}", response=RewardOut, operation_id="get_reward")
def get_reward(request: ApiRequest, reward_id: str) -> Reward:
    return get_visible(request, Reward, reward_id)


@router.patch("/rewards/{reward_id}", response=RewardOut, operation_id="change_reward")
def change_reward(request: ApiRequest, reward_id: str, body: RewardPatch) -> Reward:
    reward = get_visible(request, Reward, reward_id, at_least=Role.EDITOR)
    return services.change_reward(reward, request.auth, name=body.name, description=body.description)


@router.delete("/rewards/{reward_id}", response={204: None}, operation_id="delete_reward")
def delete_reward(request: ApiRequest, reward_id: str) -> Status[None]:
    services.delete_reward(get_visible(request, Reward, reward_id, at_least=Role.EDITOR), request.auth)
    return Status(204, None)


@router.post("/rewards/{reward_id}/restore", response=RewardOut, operation_id="restore_reward")
def restore_reward(request: ApiRequest, reward_id: str) -> Reward:
    return services.restore_reward(get_visible(request, Reward, reward_id, at_least=Role.EDITOR), request.auth)


@router.get("/rewards/{reward_id}/versions", response=Page[RewardVersionOut], operation_id="list_reward_versions")
def list_reward_versions(
    request: ApiRequest, reward_id: str, *, cursor: str | None = None, limit: PageLimit = 50
) -> dict[str, Any]:
    versions = selectors.version_list(get_visible(request, Reward, reward_id))
    items, following = paginate(versions, cursor, limit, order=("-number", "id"))
    return {"items": items, "next": following}


@router.post("/rewards/{reward_id}/versions", response={201: RewardVersionOut}, operation_id="add_reward_version")
def add_reward_version(request: ApiRequest, reward_id: str, body: RewardVersionIn) -> Status[RewardVersion]:
    reward = get_visible(request, Reward, reward_id, at_least=Role.EDITOR)
    return Status(201, services.add_version(reward, request.auth, pipeline=body.pipeline, note=body.note))


@router.get("/reward-versions/{reward_version_id}", response=RewardVersionOut, operation_id="get_reward_version")
def get_reward_version(request: ApiRequest, reward_version_id: str) -> RewardVersion:
    return get_visible(request, RewardVersion, reward_version_id)
