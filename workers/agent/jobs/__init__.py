"""Handlers of jobs, one file each: the file's name is the job's kind, and its `run(job)` returns the result.

To add a kind, add a file with `def run(job: JobContext) -> dict[str, Any]`. Say how far you are with `job.progress`,
which raises JobCancelled when it is time to leave; refuse bad input with JobRefused, which the person reads. A handler
may run twice (a lost worker): write below `job.work_dir` and hand the product over through the room's service, which
is guarded by `job.attempt`.
"""

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from workers.agent.jobs.context import JobCancelled as JobCancelled
from workers.agent.jobs.context import JobContext as JobContext
from workers.agent.jobs.context import JobRefused as JobRefused

Handler = Callable[[JobContext], dict[str, Any]]
RESERVED = frozenset({"context"})


def handler(kind: str) -> Handler:
    """The handler of `kind`. Raises JobRefused for a kind this worker does not know."""
    name = f"{__name__}.{kind}"
    if kind in RESERVED or not re.fullmatch(r"[a-z][a-z0-9_]*", kind) or find_spec(name) is None:
        raise JobRefused(
            code="unknown_kind",
            message=f"This worker cannot do {kind}.",
            remedy="Update the worker to the version of the web server.",
        )
    run: Handler = import_module(name).run
    return run
