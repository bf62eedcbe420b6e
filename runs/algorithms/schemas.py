"""What the API takes and says about methods and saved configs."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from workers.contract.catalogue import MethodCard, RewardTermCard, WorldCard
from workers.contract.run_spec import RewardPipeline


class CatalogueOut(Schema):
    """`workers_missing` are the methods that no worker online knows; runs of these would wait."""

    methods: list[MethodCard]
    reward_terms: list[RewardTermCard]
    worlds: list[WorldCard]
    hash: str
    workers_missing: list[str]


class FieldErrorOut(Schema):
    field: str
    message: str


class ConfigIn(Schema):
    model_config = ConfigDict(extra="forbid")
    config: dict[str, Any] = Field(default_factory=dict)
    reward: RewardPipeline | None = None


class ValidationOut(Schema):
    """`config` is complete, every default filled in, when `valid`; else as it was sent."""

    valid: bool
    config: dict[str, Any]
    errors: list[FieldErrorOut]


class AlgorithmConfigIn(Schema):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=120)
    method: str
    config: dict[str, Any] = Field(default_factory=dict)
    reward: RewardPipeline | None = None
    description: str = Field(default="", max_length=4000)


class AlgorithmConfigEdit(Schema):
    """Fields that are left out stay as they are; `reward` null takes the reward away."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=120)
    config: dict[str, Any] | None = None
    reward: RewardPipeline | None = None
    description: str | None = Field(default=None, max_length=4000)


class AlgorithmConfigOut(Schema):
    id: str
    project_id: str
    name: str
    method: str
    config: dict[str, Any]
    reward: dict[str, Any] | None
    description: str
    created_at: datetime
    updated_at: datetime


class WorldPreviewIn(Schema):
    """A part of a world, and the knobs that are not left to their defaults."""

    model_config = ConfigDict(extra="forbid")

    part: str = Field(min_length=1, max_length=100)
    knobs: dict[str, Any] = Field(default_factory=dict)


class WorldIn(WorldPreviewIn):
    """Without `description` the data set gets the part's own."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=10_000)
