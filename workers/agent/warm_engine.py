"""The worker's engine that has torch loaded already: found, or started on first use; see `workers.engine.warm`.

Only below a worker, whose end it follows, and only with the engine of this installation. Whatever goes wrong with it,
the caller starts a process of its own instead.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from workers.agent.engine_process import SECRETS
from workers.agent.processes import ProcessMark, child_environment, mark_of

WORKER_VARIABLE = "LODESTAR_WORKER_PROCESS"
"""Pid and start of the worker, which its executors inherit: `1234:1700000000.5`."""
START_SECONDS = 5.0
LONGEST_PATH = 100
"""Bytes of a unix socket's address, a few below what Linux takes."""


class WarmLost(Exception):
    """The warm engine or its fork is gone without an answer."""


class WarmAnswer:
    """A fork at work, with as much of a Popen as `call_engine` needs. Gives its answer's exit code, or raises WarmLost."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._said = b""
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        last = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if last is None else max(0.0, last - time.monotonic())
            if not select.select([self._connection], [], [], left)[0]:
                raise subprocess.TimeoutExpired("warm engine", timeout or 0.0)
            self._hear()
        return self.returncode

    def kill(self) -> None:
        """Ends the fork, whatever it does; nothing when it has ended."""
        pid, _, _ = self._said.partition(b"\n")
        if self.returncode is None and self._said.endswith(b"\n"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self._connection.close()

    def _hear(self) -> None:
        try:
            heard = self._connection.recv(64)
        except OSError as error:
            raise WarmLost(str(error)) from error
        if not heard:
            raise WarmLost("It left without a word.")
        self._said += heard
        _, *code = self._said.split(b"\n")[:-1]
        if code:
            self.returncode = int(code[0])


def ask(arguments: Sequence[str], directory: Path, *, limit_bytes: int) -> WarmAnswer | None:
    """Puts a question, whose input lies in `directory`/request.json; None when there is no warm engine to ask."""
    worker = _worker()
    place = settings.HOME / "agent" / "engine.sock"
    if worker is None or settings.ENGINE_COMMAND or len(str(place).encode()) > LONGEST_PATH:
        return None
    connection = _connected(place, worker)
    if connection is None:
        return None
    question = {"arguments": list(arguments), "directory": str(directory), "limit_bytes": max(0, limit_bytes)}
    try:
        connection.sendall(json.dumps(question).encode() + b"\n")
    except OSError:
        connection.close()
        return None
    return WarmAnswer(connection)


def name_worker() -> None:
    """Called by the worker at its start: what it starts knows it from now on."""
    mark = mark_of(os.getpid())
    os.environ[WORKER_VARIABLE] = f"{mark.pid}:{mark.started}"


def _worker() -> ProcessMark | None:
    """The worker that we belong to, while it runs."""
    pid, _, started = os.environ.get(WORKER_VARIABLE, "").partition(":")
    mark = ProcessMark(int(pid), float(started)) if pid and started else None
    return mark if mark is not None and mark.alive() else None


def _connected(place: Path, worker: ProcessMark) -> socket.socket | None:
    """A connection; the warm engine is started when none listens. It listens before it has loaded anything."""
    last, started = time.monotonic() + START_SECONDS, False
    while time.monotonic() < last:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(place))
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
        except OSError:
            connection.close()
            return None
        if not started:
            _start(place, worker)
            started = True
        time.sleep(0.05)
    return None


def _start(place: Path, worker: ProcessMark) -> None:
    """In a session of its own: it stays when the job that needed it first has ended."""
    environment = {key: value for key, value in child_environment().items() if key not in SECRETS}
    folder = settings.HOME / "logs" / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "warm-engine.log").open("wb") as output:
        subprocess.Popen(
            [sys.executable, "-m", "workers.engine.warm", str(place), str(worker.pid), str(worker.started)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=place.parent,
            env=environment | {"CUDA_VISIBLE_DEVICES": ""},
            start_new_session=True,
        )
