"""The supervisor of one attempt: `python -m workers.agent run <run_id> <attempt>`.

A process and session of its own. It starts the engine, ships what the engine writes, tells it what people want, keeps
the lease, and ends the engine before a lease it could not keep can pass to another. It writes nothing once fenced.
"""

import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import structlog
from django.conf import settings

from runs.launches import services
from runs.launches.models import Run
from runs.launches.provenance import engine_libraries
from workers.agent import held, resume_point
from workers.agent.attempt_files import attempt_directory, frozen_live, write_spec
from workers.agent.chat_relay import ChatRelay
from workers.agent.engine_log import last_lines, rotate
from workers.agent.engine_process import EngineProcess
from workers.agent.exit_analysis import disk_full, exit_text, explain, is_disk_full, oom_kills
from workers.agent.lease_keeper import LeaseKeeper
from workers.agent.pacing import Chore, Deadline, until_it_holds
from workers.agent.processes import mark_of
from workers.agent.reporter import Reporter
from workers.agent.system_metrics import SystemMetrics
from workers.agent.wishes import Wishes
from workers.contract.events import FailedEvent

log = structlog.get_logger(__name__)

SHIP_SECONDS = 0.04
CALM_SECONDS = 0.15
"""Events of fast steps travel together, so that shipping takes little of the host from the training."""
WISH_SECONDS = 0.25
MEASURE_SECONDS = 2.0
CANCEL_GRACE_SECONDS = 10.0
LEAVE_GRACE_SECONDS = 120.0
EXIT_FENCED = 4


class Supervisor:
    """One attempt, from its claim to its end."""

    def __init__(self, run: Run, attempt: int) -> None:
        self.run = run
        self.attempt = attempt
        self.directory = attempt_directory(run.id, attempt)
        self.reporter = Reporter(run.id, attempt, self.directory / "events.jsonl")
        self.held = held.Held(run.id, attempt, run.owner, socket.gethostname(), mark_of(os.getpid()))
        self.engine: EngineProcess | None = None
        self.chats = ChatRelay(run.id)
        self.leaving = False
        self.keeper = LeaseKeeper(
            renew=lambda: services.renew(run.id, attempt), lease_seconds=settings.LEASE_SECONDS, on_lost=self._abandon
        )

    def execute(self) -> None:
        """Raises Fenced when the attempt lost the run; the engine is gone by then."""
        self.keeper.start()
        oom_kills_before = oom_kills()
        try:
            self.engine = self._start()
            self._watch(self.engine)
            self._finish(self.engine, oom_kills_before)
        except OSError as error:
            if not is_disk_full(error):
                raise
            self._give_up(disk_full())
        finally:
            if self.engine is not None:
                self.engine.end()
            self.chats.stop()
            self.keeper.stop()
            held.remove(self.held)

    def leave(self, *_: object) -> None:
        """SIGTERM: the host shuts down, so the engine saves its state and the run waits for its next worker."""
        self.leaving = True

    def _start(self) -> EngineProcess:
        if held.end_predecessor(self.run.id):
            until_it_holds(lambda: self.reporter.say("warning", "Ended what an earlier attempt had left running here."))
        held.write(self.held)
        spec = until_it_holds(self._prepare_spec)
        engine = EngineProcess(spec, run_id=self.run.id, attempt=self.attempt, devices=self.run.devices,
                               chat_fd=self.chats.engine_end.fileno())
        self.chats.start()
        self.held = replace(self.held, engine=engine.mark)
        held.write(self.held)
        return engine

    def _prepare_spec(self) -> Path:
        checkpoint, broken = resume_point.find(self.run)
        for lost in broken:
            self.reporter.say("warning", f"The checkpoint of step {lost.step} is damaged or gone; trying the one before.")
        if checkpoint is not None:
            self.reporter.say("info", f"Resumes from the checkpoint of step {checkpoint.step}.")
        resumed_from = checkpoint.id if checkpoint else ""
        self.run = services.start_attempt(
            self.run.id, self.attempt, resumed_from=resumed_from, libraries=engine_libraries()
        )
        return write_spec(self.run, self.directory, checkpoint)

    def _watch(self, engine: EngineProcess) -> None:
        """Until the engine has left, by itself or because it was asked to."""
        wishes = Wishes(self.run.id, self.attempt, engine)
        wishes.restore_live(self.run, frozen_live(self.run))
        metrics = SystemMetrics(engine.mark, self.run.devices)
        chores = (
            Chore(SHIP_SECONDS, self.reporter.ship, calm_seconds=CALM_SECONDS),
            Chore(WISH_SECONDS, wishes.deliver),
            Chore(MEASURE_SECONDS, lambda: self.reporter.measure(metrics.sample())),
            Chore(MEASURE_SECONDS, lambda: rotate(self.directory / "engine.log")),
        )
        cancel, leave = Deadline(CANCEL_GRACE_SECONDS), Deadline(LEAVE_GRACE_SECONDS)
        while engine.exit_code() is None:
            for chore in chores:
                chore.do_when_due()
            cancel.begins(wishes.cancelled)
            if leave.begins(self.leaving):
                engine.ask_to_leave()
            if cancel.passed() or leave.passed():
                engine.end()
            time.sleep(SHIP_SECONDS / 2)

    def _finish(self, engine: EngineProcess, oom_kills_before: int) -> None:
        """The engine is gone: nothing of its group stays, its last events arrive, the attempt ends with its cause."""
        code = engine.exit_code() or 0
        engine.end()
        while until_it_holds(self.reporter.ship):
            pass
        failure = None if self.reporter.ended else self._cause(code, oom_kills_before)
        self.keeper.stop()  # Nothing is left to protect, and what follows gives the lease back.
        until_it_holds(
            lambda: services.end_attempt(
                self.run.id, self.attempt, by=self.run.owner, exit_=exit_text(code), failure=failure
            )
        )

    def _give_up(self, failure: FailedEvent) -> None:
        """The supervisor itself cannot go on; what the engine has written until now still arrives."""
        if self.engine is not None:
            self.engine.end()
            while until_it_holds(self.reporter.ship):
                pass
        self.keeper.stop()
        by = self.run.owner
        until_it_holds(lambda: services.end_attempt(self.run.id, self.attempt, by=by, exit_="", failure=failure))

    def _cause(self, code: int, oom_kills_before: int) -> FailedEvent:
        if self.leaving:
            return FailedEvent(code="preempted", message="The worker left before the engine had saved its state.")
        lines = last_lines(self.directory / "engine.log")
        return explain(code, lines=lines, oom_kills_before=oom_kills_before, oom_kills_after=oom_kills())

    def _abandon(self, reason: str) -> None:
        """The lease is lost. In the keeper's thread, so that it happens whatever the main loop waits for."""
        log.error("lease_lost", run=self.run.id, attempt=self.attempt, reason=reason)
        if self.engine is not None:
            self.engine.end(grace_seconds=settings.LEASE_SECONDS / 10)
        os._exit(EXIT_FENCED)


def main(run_id: str, attempt: int) -> int:
    """Exit status: 0 when the attempt ended in order, 4 when it was fenced."""
    run = until_it_holds(lambda: Run.objects.get(id=run_id))
    if run.attempt != attempt:
        log.warning("fenced_before_start", run=run_id, attempt=attempt, now=run.attempt)
        return EXIT_FENCED
    supervisor = Supervisor(run, attempt)
    signal.signal(signal.SIGTERM, supervisor.leave)
    signal.signal(signal.SIGINT, supervisor.leave)
    try:
        supervisor.execute()
    except services.Fenced as fenced:
        log.error("fenced", run=run_id, attempt=attempt, reason=str(fenced))
        return EXIT_FENCED
    return 0
