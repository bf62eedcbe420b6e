"""What the API takes and says about rewards."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.rewards.models import Reward, RewardVersion
from workers.contract.run_spec import RewardPipeline


class Body(Schema):
    """A request's body: a misspelt key is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class RewardVersionIn(Body):
    """`note` says in a line what is new."""

    pipeline: RewardPipeline
    note: str = Field(default="", max_length=400)


class RewardIn(RewardVersionIn):
    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=4000)


class RewardPatch(Body):
    """Fields that are left out stay as they are."""

    name: str | None = Field(default=None, min_length=1, max_length=120)
    description: str | None = Field(default=None, max_length=4000)


class JudgeIn(Body):
    """Who stands for the models that a grader's `score_model` names: a model of the library, or an endpoint.

    `api_key` is the name of a key that the workers have, never the key.
    """

    model_id: str = Field(default="", max_length=40)
    base_url: str = Field(default="", max_length=500)
    api_key: str = Field(default="", max_length=100, pattern=r"^[A-Za-z_0-9]*$")


class GraderIn(Body):
    """`grader` is a document in OpenAI's grader grammar."""

    grader: dict[str, Any]
    judge: JudgeIn | None = None


class MakerOut(Schema):
    id: str
    name: str


class RewardVersionOut(Schema):
    """`pipeline` has every default explicit and its models by id."""

    id: str
    reward_id: str
    reward_name: str
    project_id: str
    number: int
    pipeline: RewardPipeline
    note: str
    created_by: MakerOut | None
    created_at: datetime

    @staticmethod
    def resolve_reward_name(version: RewardVersion) -> str:
        return str(version.reward.name)


class RewardOut(Schema):
    """`versions` counts them, `latest` is the newest."""

    id: str
    project_id: str
    name: str
    description: str
    versions: int
    latest: RewardVersionOut
    created_by: MakerOut | None
    created_at: datetime
    deleted_at: datetime | None

    @staticmethod
    def resolve_versions(reward: Reward) -> int:
        return len(reward.versions.all())

    @staticmethod
    def resolve_latest(reward: Reward) -> RewardVersion:
        return max(reward.versions.all(), key=lambda version: version.number)
