"""`lodestar worker` as one process tree: bell, sweeper, shutdown, and what happens when parts of it are killed."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runs.bell import ring
from runs.launches import services
from runs.launches.models import Attempt, Run, Worker
from runs.launches.schemas import ControlIn
from tests.agent.watching import processes_of, state_of, steps_of, until
from tests.launches.builders import make_actor, make_run
from workers.agent.processes import child_environment

pytestmark = pytest.mark.slow
ENDLESS = {"steps": 1_000_000, "step_seconds": 0.02, "save_every": 10}
WORKER = [sys.executable, "-m", "workers.agent", "host"]
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(home: Path) -> Iterator[Start]:
    """Starts a worker; stops those still running as a person would."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(WORKER, env=child_environment()))
        until(lambda: Worker.objects.filter(leaving=False, pid=started[-1].pid).exists(), 40)
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def rung(run: Run) -> Run:
    ring("lodestar.run_ready", run.id)
    return run


def cancel(run: Run) -> None:
    services.request_control(run, ControlIn(type="cancel"), make_actor())


def test_a_run_is_found_without_any_bell(start_worker: Start) -> None:
    run = make_run(config={"steps": 5})
    start_worker()
    until(lambda: state_of(run) == "succeeded", 40)


def test_a_doubled_bell_starts_one_attempt(start_worker: Start, redis_server: Any) -> None:
    start_worker()
    run = make_run(config={"steps": 50})
    for _ in range(20):
        rung(run)
    until(lambda: state_of(run) == "succeeded", 40)
    assert Attempt.objects.count() == 1


def test_leaving_sends_runs_back_to_the_queue_and_they_go_on_at_the_next_start(start_worker: Start, home: Path) -> None:
    run = make_run(config={"steps": 200, "step_seconds": 0.02, "save_every": 50})
    worker = start_worker()
    until(lambda: steps_of(run) > 5, 40)
    worker.terminate()
    assert worker.wait(30) == 0
    assert processes_of(home) == []
    assert state_of(run) == "queued"
    assert Worker.objects.get().leaving
    before = steps_of(run)
    start_worker()
    until(lambda: state_of(run) == "succeeded", 60)
    assert Attempt.objects.get(number=2).resumed_from
    assert before < 200


def test_killing_everything_at_once_loses_no_run(start_worker: Start, home: Path) -> None:
    run = make_run(config={"steps": 150, "step_seconds": 0.02, "save_every": 10})
    worker = start_worker()
    until(lambda: steps_of(run) > 20, 40)
    for process in processes_of(home):
        process.kill()
    worker.wait(10)
    start_worker()
    until(lambda: state_of(run) == "succeeded", 60)
    assert Attempt.objects.get(number=1).cause == "worker_lost"


def test_a_killed_worker_leaves_its_run_running(start_worker: Start) -> None:
    run = make_run(config=ENDLESS)
    worker = start_worker()
    until(lambda: steps_of(run) > 5, 40)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    before = steps_of(run)
    until(lambda: steps_of(run) > before + 20, 20)
    start_worker()
    cancel(run)
    until(lambda: state_of(run) == "cancelled", 20)
    assert Attempt.objects.count() == 1


def test_the_queue_listener_comes_back(start_worker: Start) -> None:
    worker = start_worker()
    until(lambda: listeners(worker.pid), 30)
    first = listeners(worker.pid)[0]
    first.kill()
    until(lambda: [one for one in listeners(worker.pid) if one.pid != first.pid], 30)


def listeners(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "celery" in " ".join(child.cmdline())]


def test_a_second_worker_on_the_same_state_is_refused(start_worker: Start) -> None:
    start_worker()
    assert subprocess.run(WORKER, env=child_environment(), check=False).returncode == 1
