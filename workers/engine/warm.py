"""A process that has torch loaded and forks for each question, so that no answer waits for the import.

    python -m workers.engine.warm SOCKET HOST_PID HOST_STARTED

A connection to the unix socket brings one line {arguments, directory, limit_bytes}. The fork does what a process of its
own would: `directory`/request.json is its input, answer.json its output, engine.log its complaints. The connection says
the fork's pid, then its exit code; closing it ends the fork. This process itself computes nothing, so that forks begin
with a clean state and memory. It leaves when its host is gone, or when nobody has asked for a while.
"""

import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import psutil

from workers.engine.__main__ import main as answer

TICK_SECONDS = 1.0
IDLE_SECONDS = 600.0
BROKEN = 70
"""Exit code of a fork whose question could not be read or that broke where no command line would."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
LOADED = (
    "workers.engine.preflight", "workers.engine.data.reading", "workers.engine.modeling.adapters", "workers.engine.reports.trial",
    "transformers.models.llama.modeling_llama", "transformers.models.qwen2.modeling_qwen2",
    "transformers.models.qwen3.modeling_qwen3",
)
"""What questions need, the models most asked about among it; another model's code is imported in the fork."""


def serve(place: Path, host: tuple[int, float], *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Takes questions at `place` until the host has gone or nobody asks; at once when another serves there already.

    It listens before it loads, so that the first question waits here no longer than a process of its own would take.
    """
    with place.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        place.unlink(missing_ok=True)
        os.umask(0o077)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(place))
            listening.listen(64)
            try:
                _load()
                _take_questions(listening, host, idle_seconds)
            finally:
                place.unlink(missing_ok=True)


def _load() -> None:
    for name in LOADED:
        importlib.import_module(name)
    importlib.import_module("workers.engine.method").catalogue()
    gc.collect()
    gc.freeze()


def _take_questions(listening: socket.socket, host: tuple[int, float], idle_seconds: float) -> None:
    forks: set[int] = set()
    asked = time.monotonic()
    while _alive(host):
        ready, _, _ = select.select([listening], [], [], TICK_SECONDS)
        forks -= {pid for pid in forks if os.waitpid(pid, os.WNOHANG)[0]}
        if ready:
            connection, _ = listening.accept()
            pid = os.fork()
            if pid == 0:
                listening.close()
                _answer(connection)
            connection.close()
            forks.add(pid)
        if ready or forks:
            asked = time.monotonic()
        elif time.monotonic() - asked > idle_seconds:
            return


def _alive(host: tuple[int, float]) -> bool:
    pid, started = host
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _answer(connection: socket.socket) -> NoReturn:
    """The fork, from the question to its end."""
    code = BROKEN
    try:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        question = json.loads(connection.makefile("rb").readline())
        connection.sendall(b"%d\n" % os.getpid())
        threading.Thread(target=_leave_with, args=(connection,), daemon=True).start()
        _stand_in(question)
        code = answer(question["arguments"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else BROKEN
    except BaseException:  # noqa: BLE001 - the outermost line of the fork: what came last is what the person reads
        traceback.print_exc()
        code = 1
    finally:
        _say_end(connection, code)
        os._exit(code)


def _stand_in(question: dict[str, Any]) -> None:
    """Files, directory and memory as a process started for this question has them."""
    directory = Path(question["directory"])
    os.chdir(directory)
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for target, name, flags in ((0, "request.json", os.O_RDONLY), (1, "answer.json", writing), (2, "engine.log", writing)):
        os.dup2(os.open(directory / name, flags, 0o600), target)
    if limit := question.get("limit_bytes"):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _leave_with(connection: socket.socket) -> None:
    """Whoever asked has gone: nobody reads the answer."""
    while True:
        try:
            if connection.recv(64):
                continue
        except InterruptedError:
            continue
        except OSError:
            pass
        os._exit(BROKEN)


def _say_end(connection: socket.socket, code: int) -> None:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(b"%d\n" % code)
    except OSError:
        traceback.print_exc()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), (int(sys.argv[2]), float(sys.argv[3])))
