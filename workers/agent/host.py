"""`lodestar worker`: one command that keeps a host's Celery worker, sweeper and heartbeat going, and leaves in order.

On SIGTERM or Ctrl-C it takes no more work, tells its executors to leave (engines save their state, runs go back to the
queue), waits for them, and ends what does not go. Nothing stays behind.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings

from runs.launches import services
from runs.launches.services.hosts import HEARTBEAT_SECONDS
from workers.agent import held
from workers.agent.engine_process import die_with_parent
from workers.agent.identity import agent_directory, facts, use, worker_id
from workers.agent.pacing import Chore, until_it_holds
from workers.agent.processes import child_environment, end_group
from workers.agent.sweeper import SWEEP_SECONDS, TIDY_SECONDS, sweep, tidy
from workers.agent.warm_engine import name_worker

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.2
QUEUE_RESTART_SECONDS = 5.0
LEAVE_SECONDS = 150.0
LISTEN = [
    *(sys.executable, "-m", "celery", "-A", "lodestar.celery", "worker", "--pool", "threads", "--concurrency", "2"),
    *("--prefetch-multiplier", "1", "--without-gossip", "--without-mingle", "--loglevel", "warning"),
]


class QueueListener:
    """The Celery worker, started again when it dies. Its tasks only claim and spawn, so a few threads are plenty."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            log.warning("queue_listener_died", exit=self._process.returncode)
        self._process = subprocess.Popen(
            LISTEN,
            cwd=settings.ROOT,
            env=child_environment(),
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 # only calls prctl
        )

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Host:
    """The loop of a worker host."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.stopping = False
        self.queue = QueueListener()

    def stop(self, *_: object) -> None:
        self.stopping = True

    def run(self) -> None:
        until_it_holds(lambda: services.announce_worker(self.identity, **facts()))
        log.info("worker_ready", worker=self.identity, home=str(settings.HOME))
        chores = (
            Chore(QUEUE_RESTART_SECONDS, self.queue.keep),
            Chore(HEARTBEAT_SECONDS, lambda: services.heartbeat(self.identity, **use())),
            Chore(SWEEP_SECONDS, lambda: sweep(self.identity)),
            Chore(TIDY_SECONDS, lambda: tidy(self.identity)),
        )
        try:
            while not self.stopping:
                for chore in chores:
                    chore.do_when_due()
                reap()
                time.sleep(TICK_SECONDS)
        finally:
            self.leave()

    def leave(self) -> None:
        """Takes no more work, then sends the executors away and waits until they are gone."""
        services.heartbeat(self.identity, leaving=True)
        self.queue.stop()
        sent = list(held.of_owner(self.identity))
        for one in sent:
            if process := one.executor.alive():
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + LEAVE_SECONDS
        # An executor that has given back what it held takes a moment more to be gone.
        while remaining := [one for one in {*sent, *held.of_owner(self.identity)} if one.executor.alive()]:
            if time.monotonic() > deadline:
                break
            reap()
            time.sleep(TICK_SECONDS)
        for one in remaining:
            log.warning("executor_ended", subject=one.subject, attempt=one.attempt)
            end_group(one.executor)
            if one.engine is not None:
                end_group(one.engine)


def reap() -> None:
    """Collects executors that have ended, so that no zombie stays."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


@contextmanager
def only_one() -> Iterator[None]:
    """Holds this host's lock on the state directory. Raises BlockingIOError when another worker has it."""
    with (agent_directory() / "worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def main() -> int:
    """Runs until told to stop. Exit status 1 when a worker already runs here."""
    try:
        with only_one():
            name_worker()
            host = Host(worker_id())
            signal.signal(signal.SIGTERM, host.stop)
            signal.signal(signal.SIGINT, host.stop)
            host.run()
    except BlockingIOError:
        sys.stderr.write(f"A worker runs on {settings.HOME} already. Stop it first, or set LODESTAR_HOME.\n")
        return 1
    return 0
