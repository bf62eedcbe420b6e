"""A question to the engine's command line, in another process: the agent never loads torch.

The worker's warm engine is asked first; without one, or when it is lost, a process is started for the question.
"""

import contextlib
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from workers.agent import warm_engine
from workers.agent.engine_process import SECRETS, die_with_parent, engine_command
from workers.agent.jobs import JobContext, JobRefused
from workers.agent.processes import child_environment
from workers.agent.warm_engine import WarmAnswer

POLL_SECONDS = 0.1
LIMIT_SECONDS = 6 * 3600.0
TOKENIZING_BYTES = 8 * 2**30
"""Memory for work that loads a tokenizer and no weights."""
SAID_BYTES = 2000


def call_engine(
    job: JobContext,
    *arguments: str,
    request: dict[str, Any] | None = None,
    doing: str,
    limit_seconds: float = LIMIT_SECONDS,
    limit_bytes: int = psutil.RLIM_INFINITY,
) -> Any:
    """Runs `python -m workers.engine <arguments>` with `request` as its input; answers the JSON it prints, None for none.

    Raises JobCancelled, with the process ended, and JobRefused with the engine's own sentence when it fails, or when it
    takes longer or more memory than its limits: chat templates and tokenizers come with the model and may do both.
    """
    (job.work_dir / "request.json").write_text(json.dumps(request or {}), encoding="utf-8")
    last = time.monotonic() + limit_seconds
    code = None
    if warm := warm_engine.ask(arguments, job.work_dir, limit_bytes=limit_bytes):
        with contextlib.suppress(warm_engine.WarmLost):
            code = _watched(job, warm, doing, limit_seconds, last)
    if code is None:
        process = _started(job.work_dir, arguments)
        _bound_memory(process.pid, limit_bytes)
        code = _watched(job, process, doing, limit_seconds, last)
    if code:
        message = _last_words(job.work_dir / "engine.log", code)
        raise JobRefused("engine", message, "Choose another model or data set, or mend this one.")
    text = (job.work_dir / "answer.json").read_text(encoding="utf-8")
    return json.loads(text) if text.strip() else None


def _started(work_dir: Path, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """A process for this question alone."""
    asked, said, answered = (work_dir / name for name in ("request.json", "engine.log", "answer.json"))
    environment = {key: value for key, value in child_environment().items() if key not in SECRETS}
    with asked.open("rb") as stdin, answered.open("wb") as stdout, said.open("wb") as stderr:
        return subprocess.Popen(
            [*engine_command(), *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=work_dir,
            env=environment | {"CUDA_VISIBLE_DEVICES": ""},
            preexec_fn=die_with_parent,  # noqa: PLW1509 # only calls prctl, which a fork beside threads may
        )


def _watched(job: JobContext, process: "subprocess.Popen[bytes] | WarmAnswer", doing: str, limit: float, last: float) -> int:
    """Its exit code; nothing of it runs afterwards, however this ends."""
    try:
        return _wait(job, process, doing, limit, last)
    finally:
        process.kill()
        if isinstance(process, subprocess.Popen):
            process.wait()


def _bound_memory(pid: int, limit_bytes: int) -> None:
    """From outside and after the start, since only little may be done between fork and exec."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).rlimit(psutil.RLIMIT_DATA, (limit_bytes, psutil.RLIM_INFINITY))


def _wait(job: JobContext, process: "subprocess.Popen[bytes] | WarmAnswer", doing: str, limit: float, last: float) -> int:
    while True:
        if time.monotonic() > last:
            message = f"{doing} took more than {limit:.0f} s and was ended."
            raise JobRefused("too_slow", message, "Look at the model's chat template and tokenizer, or ask for fewer rows.")
        job.progress(None, doing)
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _last_words(log: Path, status: int) -> str:
    """The last line the engine wrote to standard error."""
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - SAID_BYTES, 0))
        lines = file.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else f"The engine ended with status {status} and said nothing."
