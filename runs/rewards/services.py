"""Every write of the room: rewards made, renamed, deleted, restored, and their next versions."""

from django.db import transaction
from django.db.models import Max

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.owned import bring_back, change, put_away
from runs.accounts.services import audit
from runs.problems import Conflict
from runs.rewards.models import Reward, RewardVersion
from runs.rewards.selectors import checked
from workers.contract.run_spec import RewardPipeline


@transaction.atomic
def create_reward(
    project: Project, actor: Actor, *, name: str, pipeline: RewardPipeline, description: str = "", note: str = ""
) -> Reward:
    """A reward with its first version. Raises Invalid with every fault of the pipeline, by field."""
    kept = checked(pipeline, project=project)
    reward = Reward.objects.create(project=project, created_by=actor.user, name=name, description=description)
    audit(project, actor, "reward.create", reward.id, {"name": name})
    _next_version(reward, actor, kept, note)
    return reward


@transaction.atomic
def add_version(reward: Reward, actor: Actor, *, pipeline: RewardPipeline, note: str = "") -> RewardVersion:
    """The next version. Raises Invalid, and Conflict when the reward is deleted or nothing has changed."""
    if reward.deleted_at:
        raise Conflict("reward_deleted", f"Reward {reward.name} is deleted. Restore it, then save a version.")
    kept = checked(pipeline, project=reward.project)
    return _next_version(reward, actor, kept, note)


def change_reward(reward: Reward, actor: Actor, *, name: str | None, description: str | None) -> Reward:
    changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
    return change(reward, "reward.change", changes, actor=actor)


def delete_reward(reward: Reward, actor: Actor) -> None:
    """Its versions stay for the runs that used them; a new run may not take them."""
    put_away(reward, "reward", actor=actor)


def restore_reward(reward: Reward, actor: Actor) -> Reward:
    return bring_back(reward, "reward", actor=actor)


def _next_version(reward: Reward, actor: Actor, pipeline: RewardPipeline, note: str) -> RewardVersion:
    """The reward's row is locked, so that numbers have no gap and no repeat."""
    Reward.objects.select_for_update().get(id=reward.id)
    document = pipeline.model_dump(mode="json")
    newest = reward.versions.order_by("-number").first()
    if newest and newest.pipeline == document:
        raise Conflict("unchanged", f"Nothing differs from version {newest.number}. Change the reward, then save it.")
    number = (reward.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = RewardVersion.objects.create(
        reward=reward, project=reward.project, created_by=actor.user, number=number, pipeline=document, note=note
    )
    audit(reward.project, actor, "reward.version", version.id, {"reward": reward.id, "number": number})
    return version
