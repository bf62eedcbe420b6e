"""A question to the engine's command line, in a process of its own: the agent never loads torch."""

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from workers.agent.engine_process import SECRETS, die_with_parent, engine_command
from workers.agent.jobs import JobContext, JobRefused
from workers.agent.processes import child_environment

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
    asked, said, answered = (job.work_dir / name for name in ("request.json", "engine.log", "answer.json"))
    asked.write_text(json.dumps(request or {}), encoding="utf-8")
    environment = {key: value for key, value in child_environment().items() if key not in SECRETS}
    with asked.open("rb") as stdin, answered.open("wb") as stdout, said.open("wb") as stderr:
        process = subprocess.Popen(
            [*engine_command(), *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=job.work_dir,
            env=environment | {"CUDA_VISIBLE_DEVICES": ""},
            preexec_fn=die_with_parent,  # noqa: PLW1509 # only calls prctl, which a fork beside threads may
        )
        try:
            _bound_memory(process.pid, limit_bytes)
            _wait(job, process, doing, limit_seconds)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise JobRefused("engine", _last_words(said, process.returncode), "Choose another model or data set, or mend this one.")
    text = answered.read_text(encoding="utf-8")
    return json.loads(text) if text.strip() else None


def _bound_memory(pid: int, limit_bytes: int) -> None:
    """From outside and after the start, since only little may be done between fork and exec."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).rlimit(psutil.RLIMIT_DATA, (limit_bytes, psutil.RLIM_INFINITY))


def _wait(job: JobContext, process: "subprocess.Popen[bytes]", doing: str, limit_seconds: float) -> None:
    last = time.monotonic() + limit_seconds
    while True:
        if time.monotonic() > last:
            message = f"{doing} took more than {limit_seconds:.0f} s and was ended."
            raise JobRefused("too_slow", message, "Look at the model's chat template and tokenizer, or ask for fewer rows.")
        job.progress(None, doing)
        try:
            process.wait(POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def _last_words(log: Path, status: int) -> str:
    """The last line the engine wrote to standard error."""
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - SAID_BYTES, 0))
        lines = file.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else f"The engine ended with status {status} and said nothing."
