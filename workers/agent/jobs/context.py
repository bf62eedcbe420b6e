"""What a job's handler is given, and how it says that it stops."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPORT_SECONDS = 0.25


class JobCancelled(Exception):
    """The job was cancelled, the lease lost, or the host leaves: stop, and leave nothing half done."""


class JobRefused(Exception):
    """The input cannot be used; `faults` are {line, column, field, message}."""

    def __init__(self, code: str, message: str, remedy: str = "", faults: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, "remedy": remedy, "faults": faults or []}


Report = Callable[[float | None, str, float | None], bool]
"""(progress, doing, seconds to go) -> whether the handler should go on."""


class JobContext:
    """`work_dir` is this attempt's own directory, empty at the start and removed at the end."""

    def __init__(
        self, *, id: str, project_id: str, attempt: int, payload: dict[str, Any], work_dir: Path, report: Report  # noqa: A002
    ) -> None:
        self.id = id
        self.project_id = project_id
        self.attempt = attempt
        self.payload = payload
        self.work_dir = work_dir
        self._report = report
        self._started = time.monotonic()
        self._reported = 0.0

    def progress(self, fraction: float | None, doing: str = "") -> None:
        """Says how far the job is (0 to 1, None when nobody can tell); cheap enough for every row.

        Raises JobCancelled when it is time to leave.
        """
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        spent = now - self._started
        eta = spent * (1 - fraction) / fraction if fraction else None
        if not self._report(fraction, doing, eta):
            raise JobCancelled
