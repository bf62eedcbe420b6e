"""The executor of one attempt of a job: `python -m workers.agent job <job_id> <attempt>`, a process of its own."""

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from runs.jobs import services
from runs.jobs.models import Job
from runs.leases import Desired, Fenced
from runs.problems import Problem
from workers.agent import held
from workers.agent.exit_analysis import is_disk_full
from workers.agent.jobs import JobCancelled, JobContext, JobRefused, handler
from workers.agent.lease_keeper import LeaseKeeper
from workers.agent.pacing import until_it_holds
from workers.agent.processes import mark_of

log = structlog.get_logger(__name__)
EXIT_FENCED = 4


class JobExecutor:
    """Runs the handler, keeps the lease, and writes how it ended."""

    def __init__(self, job: Job, attempt: int) -> None:
        self.job = job
        self.attempt = attempt
        self.leaving = False
        self.held = held.Held(job.id, attempt, job.owner, socket.gethostname(), mark_of(os.getpid()))
        self.work_dir = Path(settings.HOME) / "jobs" / job.id / f"attempt-{attempt:04d}"
        self.keeper = LeaseKeeper(
            renew=lambda: services.renew(job.id, attempt), lease_seconds=settings.LEASE_SECONDS, on_lost=self._abandon
        )

    def execute(self) -> None:
        """Raises Fenced."""
        held.end_predecessor(self.job.id)
        held.write(self.held)
        self.keeper.start()
        try:
            self._run_handler()
        finally:
            self.keeper.stop()
            shutil.rmtree(self.work_dir.parent, ignore_errors=True)
            held.remove(self.held)

    def leave(self, *_: object) -> None:
        self.leaving = True

    def _run_handler(self) -> None:
        try:
            self.work_dir.mkdir(parents=True, exist_ok=True)
            result = handler(self.job.kind)(self._context())
            self._end(lambda: services.succeed(self.job.id, self.attempt, result))
        except JobRefused as refused:
            self._fail(refused.error)
        except Problem as problem:
            faults = [{"field": error.field, "message": error.message} for error in problem.errors]
            self._fail({"code": problem.code, "message": problem.detail, "remedy": "", "faults": faults})
        except JobCancelled:
            end = services.hand_back if self.leaving else services.finish_cancel
            self._end(lambda: end(self.job.id, self.attempt))
        except MemoryError:
            self._fail(failure("oom", "The job needed more memory than this host has.", "Try it with less data."))
        except OSError as error:
            if is_disk_full(error):
                remedy = "Free space below the state directory, then try again."
                self._fail(failure("disk_full", "The worker's disk is full.", remedy))
            else:
                self._fail(failure("io", f"{error}.", "Look at the worker's disk, then try again."))

    def _context(self) -> JobContext:
        job = self.job
        return JobContext(
            id=job.id,
            project_id=job.project_id,
            attempt=self.attempt,
            payload=job.payload,
            work_dir=self.work_dir,
            report=self._report,
        )

    def _report(self, progress: float | None, doing: str, eta_seconds: float | None) -> bool:
        wish = until_it_holds(
            lambda: services.report(self.job.id, self.attempt, progress=progress, doing=doing, eta_seconds=eta_seconds)
        )
        return wish == Desired.RUN and not self.leaving

    def _fail(self, error: dict[str, Any]) -> None:
        self._end(lambda: services.fail(self.job.id, self.attempt, error))

    def _end(self, write: Callable[[], object]) -> None:
        """The last write, which gives the lease back."""
        self.keeper.stop()
        until_it_holds(write)

    def _abandon(self, reason: str) -> None:
        log.error("lease_lost", job=self.job.id, attempt=self.attempt, reason=reason)
        os._exit(EXIT_FENCED)


def failure(code: str, message: str, remedy: str) -> dict[str, Any]:
    return {"code": code, "message": message, "remedy": remedy, "faults": []}


def main(job_id: str, attempt: int) -> int:
    """Exit status: 0 when the job's end was written, 4 when it was fenced."""
    executor = JobExecutor(until_it_holds(lambda: Job.objects.get(id=job_id)), attempt)
    signal.signal(signal.SIGTERM, executor.leave)
    signal.signal(signal.SIGINT, executor.leave)
    try:
        executor.execute()
    except Fenced as fenced:
        log.error("fenced", job=job_id, attempt=attempt, reason=str(fenced))
        return EXIT_FENCED
    except Exception as error:
        # The outermost line of the agent: the person learns that it was not their file, and the log has the rest.
        log.exception("job_failed", job=job_id, kind=executor.job.kind, attempt=attempt)
        message = f"Something broke while doing this ({type(error).__name__}: {error})."
        services.fail(job_id, attempt, failure("platform", message[:500], "Try again; the worker's log has the details."))
    return 0
