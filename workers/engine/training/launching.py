"""The processes of a run that asks for several: the one that was called is the first, starts the others, and none outlives it.

    python -m workers.engine join DIRECTORY RANK COUNT PARENT

is what it starts; DIRECTORY holds the spec, the place where they meet, and what a process says when it fails. A run that
torchrun or `accelerate launch` has started in several processes is taken as it is.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workers.contract.events import FailedEvent
from workers.contract.run_spec import RunKind, RunSpec
from workers.engine.faults import DataFault, Fault

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
LEFT = 3
"""Exit status of a process that left with the others when told to."""
POLL_SECONDS = 0.1
LAST_WORDS_SECONDS = 5.0
"""How long a process whose partner has gone may take to notice by itself, and how long partners may take to end."""


class Lost(Fault):
    """A process of the run is gone."""

    code = "worker_lost"


@dataclass(frozen=True)
class Place:
    """This process among those of the run; `meeting` is torch's `init_method`."""

    rank: int = 0
    count: int = 1
    meeting: str = "env://"

    @property
    def first(self) -> bool:
        return self.rank == 0


def given_place() -> Place:
    """As a launcher has told in the environment; alone without one."""
    return Place(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


class Crew:
    """The other processes. Nothing of them runs after `close`, nor when this process is killed."""

    def __init__(self, spec: RunSpec) -> None:
        self.count = spec.resources.count
        self.directory = Path(tempfile.mkdtemp(prefix="lodestar-run-"))
        (self.directory / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
        self._closing = threading.Event()
        self._gone: Fault | None = None
        self._environment = os.environ | bounded_threads(spec) | {"GLOO_SOCKET_IFNAME": "lo"}
        os.environ.update({name: self._environment[name] for name in ("OMP_NUM_THREADS", "GLOO_SOCKET_IFNAME")})
        self._processes = [self._start(rank) for rank in range(1, self.count)]

    @property
    def place(self) -> Place:
        return Place(0, self.count, f"file://{self.directory / 'meeting'}")

    def watch(self, end: Callable[[Fault], None]) -> None:
        """Calls `end` when a process is gone and this one has not noticed by itself within some seconds."""
        threading.Thread(target=self._watch, args=(end,), daemon=True).start()

    def cause(self) -> Fault | None:
        """The fault of a process that has ended before its time, given a moment to say so."""
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while self._find() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return self._gone

    def close(self) -> None:
        """Waits a moment for the others to end, then ends them."""
        self._closing.set()
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        for process in self._processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, rank: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "workers.engine", "join", str(self.directory), str(rank), str(self.count), str(os.getpid())],
            stdin=subprocess.DEVNULL, env=self._environment,
            preexec_fn=belong,  # noqa: PLW1509 # only prctl and one signal's disposition, which a fork beside threads may
        )

    def _watch(self, end: Callable[[Fault], None]) -> None:
        while not self._closing.wait(POLL_SECONDS):
            fault = self._find()
            if fault is not None:
                if not self._closing.wait(LAST_WORDS_SECONDS):
                    end(fault)
                return

    def _find(self) -> Fault | None:
        for rank, process in enumerate(self._processes, 1):
            code = process.poll()
            if self._gone is None and code not in {None, 0, LEFT}:
                self._gone = self._said(rank) or Lost(
                    f"Process {rank + 1} of {self.count} {_ended(code or 0)}.",
                    "The run goes on from its newest checkpoint when it is started again.")
        return self._gone

    def _said(self, rank: int) -> Fault | None:
        said = self.directory / f"failed-{rank}.json"
        if not said.exists():
            return None
        event = FailedEvent.model_validate_json(said.read_text(encoding="utf-8"))
        fault = Fault(f"Process {rank + 1} of {self.count}: {event.message}", event.remedy)
        fault.code = event.code
        return fault


def belong() -> None:
    """In the child, between fork and exec: it dies with the process that started it, and leaves SIGTERM to that one."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def wanted(spec: RunSpec) -> bool:
    """Whether this process is to start others: the spec asks for several, and no launcher has made them yet."""
    return spec.kind is RunKind.TRAIN and spec.resources.count > 1 and given_place().count == 1


def joined(directory: Path, rank: int, count: int, parent: int) -> tuple[RunSpec, Place]:
    """In a process that the first one has started: its spec and place. Raises DataFault when that one is gone already."""
    if os.getppid() != parent:
        raise DataFault("The first process of the run is gone.")
    spec = RunSpec.model_validate_json((directory / "spec.json").read_text(encoding="utf-8"))
    return spec, Place(rank, count, f"file://{directory / 'meeting'}")


def tell_failure(directory: Path, rank: int, event: FailedEvent) -> None:
    """Leaves a failure where the first process looks for it, whole or not at all."""
    partial = directory / f".failed-{rank}.json"
    partial.write_text(event.model_dump_json(), encoding="utf-8")
    partial.rename(directory / f"failed-{rank}.json")


def bounded_threads(spec: RunSpec) -> dict[str, str]:
    """Threads of each process: as the spec says, else this machine's cores among them."""
    cores = len(os.sched_getaffinity(0))
    return {"OMP_NUM_THREADS": str(spec.resources.threads or max(1, cores // spec.resources.count))}


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
