"""Fills this host's free places: claims what is ready and starts an executor for each claim."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

import structlog
from django.conf import settings

from runs.jobs import selectors as jobs
from runs.jobs import services as job_services
from runs.launches import services as launches
from workers.agent.identity import job_slots
from workers.agent.processes import child_environment

log = structlog.get_logger(__name__)


def start_runs(worker_id: str) -> list[subprocess.Popen[bytes]]:
    """Starts a supervisor for each run that fits."""
    return [start_executor("run", run_id, attempt) for run_id, attempt in launches.start_ready(worker_id)]


def start_jobs(worker_id: str) -> list[subprocess.Popen[bytes]]:
    """Starts a process for each job that fits."""
    free = max(0, job_slots() - jobs.live_count(worker_id))
    started = []
    for job_id in list(jobs.ready_jobs().values_list("id", flat=True)[:free]):
        if attempt := job_services.claim(job_id, owner=worker_id):
            started.append(start_executor("job", job_id, attempt))
    return started


def start_executor(kind: Literal["run", "job"], subject_id: str, attempt: int) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that neither the queue's pool nor its signals reach it."""
    folder = Path(settings.HOME) / "logs" / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{subject_id}-{attempt:04d}.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers.agent", kind, subject_id, str(attempt)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=settings.ROOT,
            env=child_environment(),
            start_new_session=True,
        )
    log.info("executor_started", kind=kind, subject=subject_id, attempt=attempt, pid=process.pid)
    return process
