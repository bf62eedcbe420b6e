"""What the API says about jobs."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

JobStateName = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobFault(Schema):
    line: int | None = None
    column: int | None = None
    field: str | None = None
    message: str


class JobError(Schema):
    code: str
    message: str
    remedy: str = ""
    faults: list[JobFault] = Field(default_factory=list)


class JobOut(Schema):
    """A job. `progress` is 0 to 1, or null when nobody can tell; `result` is there when it succeeded."""

    id: str
    kind: str
    state: JobStateName
    progress: float | None
    doing: str
    eta_seconds: float | None
    result: dict[str, Any] | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    project_id: str
    subject_id: str
