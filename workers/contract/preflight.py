"""Preflight: what a short CPU check found about a spec before any GPU is taken. Needs the model and the data."""

from typing import Any, Literal

from pydantic import Field

from workers.contract.document import Document


class Fix(Document):
    """A change of the config that mends the finding: `{path: value}`, dotted paths into the config."""

    label: str
    set: dict[str, Any]


class Finding(Document):
    level: Literal["ok", "warning", "error"]
    code: str
    field: str = Field(default="", description="Dotted path into the config, or `model`, `data`, `reward`.")
    message: str
    fix: Fix | None = None


class MemoryEstimate(Document):
    """Peak bytes by part for one process."""

    weights: int = Field(default=0, ge=0)
    gradients: int = Field(default=0, ge=0)
    optimizer: int = Field(default=0, ge=0)
    activations: int = Field(default=0, ge=0)
    rollouts: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    available: int | None = Field(default=None, description="Bytes free on the device the check ran on.")


class PreflightReport(Document):
    """The form's third column, line by line. `ready` is False when any finding is an error."""

    ready: bool
    findings: list[Finding]
    memory: MemoryEstimate | None = None
    step_seconds: float | None = None
    total_seconds: float | None = None
    steps: int | None = None
    parameters: int | None = None
    trainable: int | None = Field(default=None, description="Of the model that the run leaves; an adapter has few.")
