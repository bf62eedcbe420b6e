"""Looks at runs and at the processes that execute them."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from django.db import OperationalError, connection, transaction

from runs.launches.models import Run
from workers.agent import held


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Polls what real processes do elsewhere; fails the test when it does not come to hold."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"did not hold within {seconds} s"
        time.sleep(0.02)
    return found


def processes_of(home: Path) -> list[psutil.Process]:
    """Everything alive that was started with this state directory, found by its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("LODESTAR_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def state_of(run: Run) -> str:
    return Run.objects.values_list("state", flat=True).get(id=run.id)


def steps_of(run: Run) -> int:
    return Run.objects.values_list("step", flat=True).get(id=run.id)


def freeze(process: "subprocess.Popen[bytes]", run: Run) -> None:
    """Stops it between two writes: stopped within one it would hold SQLite's only lock, or the run's row, for ever."""
    while True:
        process.send_signal(signal.SIGSTOP)
        if _can_write(run):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(random.uniform(0.01, 0.1))  # its writes come at a beat: another place in it each time


def _can_write(run: Run) -> bool:
    """Whether nobody holds the run, asked without the patience that writes have."""
    lite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if lite:
            cursor.execute("PRAGMA busy_timeout=200")
        try:
            with transaction.atomic():
                Run.objects.select_for_update(nowait=not lite).get(id=run.id)
        except OperationalError:
            return False
        finally:
            if lite:
                cursor.execute("PRAGMA busy_timeout=20000")
    return True


def engine_of(run: Run) -> psutil.Process:
    """The run's engine, once its supervisor has said which it is."""
    found = until(lambda: (now := held.read(run.id)) and now.engine and now.engine.alive())
    assert isinstance(found, psutil.Process)
    return found
