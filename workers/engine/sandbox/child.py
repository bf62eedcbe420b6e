"""Our side of the sandbox: starts the locked process, speaks with it, ends it when it is late, and names what went wrong."""

import itertools
import json
import os
import selectors
import struct
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from workers.contract.text import storable_text
from workers.engine.faults import ConfigFault, UserCodeFault

LOCKED = Path(__file__).with_name("locked.py")
SWITCH = "LODESTAR_REWARD_CODE"
LIBRARIES = ("numpy", "regex")
"""What a function may have beside the standard library: they need no file and no process once they are loaded."""
START_SECONDS = 30.0
CPU_SECONDS = 1200
"""Processor seconds after which the kernel ends a child; it is replaced before it could come to that."""
MEGABYTE = 2**20
LARGEST_QUESTION = 256 * MEGABYTE


class SandboxMissing(ConfigFault):
    """People's code does not run on this host; the message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Python rewards are off on this worker: {why}.",
                         "Use another kind of term, or see the sandbox in docs/operations.md for what the host must allow.")


@dataclass(frozen=True)
class Bounds:
    """What one function may take: seconds for a call, bytes beyond what its imports hold; libraries to import."""

    timeout_seconds: float = 10.0
    memory_bytes: int = 512 * MEGABYTE
    libraries: tuple[str, ...] = ()


class Child:
    """One person's function in a locked process. Not for two threads at once.

    Raises SandboxMissing where the lock cannot be had, UserCodeFault for source that cannot be loaded.
    """

    def __init__(self, source: str, function: str, bounds: Bounds) -> None:
        self.source, self.function, self.bounds = source, function, bounds
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.parameters: dict[str, Any] = {}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def call(self, arguments: Mapping[str, Any], count: int) -> list[float | None]:
        """The function's values for `count` answers. Raises UserCodeFault for anything but that."""
        return self._values({"arguments": dict(arguments)}, count)

    def call_each(self, rows: Sequence[Sequence[Any]]) -> list[float | None]:
        """The function's value for each row of positional arguments, one call a row."""
        return self._values({"single": [list(row) for row in rows]}, len(rows)) if rows else []

    def close(self) -> None:
        """Ends the process and all that is in its namespaces."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def _values(self, call: dict[str, Any], count: int) -> list[float | None]:
        if self._process is None or time.monotonic() - self._started > CPU_SECONDS - 2 * self.bounds.timeout_seconds:
            self.close()
            self._start()
        found = self._ask({"call": call}, largest=MEGABYTE + 40 * count).get("values")
        if not isinstance(found, list) or not all(value is None or isinstance(value, float) for value in found):
            raise self._ended("The function's process answered something else than a list of numbers")
        if len(found) != count:
            raise UserCodeFault(f"The function answered {len(found)} values for {count} answers.",
                                "Return one number, or None, for each answer.")
        return found

    def _start(self) -> None:
        if os.environ.get(SWITCH, "sandbox") == "off":
            raise SandboxMissing(f"its operator switched them off ({SWITCH}=off)")
        if sys.platform != "linux":
            raise SandboxMissing(f"{sys.platform} has no namespaces")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(LOCKED)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
            # Threads of a library would keep the process from entering a user namespace.
            env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
        self._started = time.monotonic()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        paths = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}) if self.bounds.libraries else []
        try:
            first = self._exchange({"paths": paths, "libraries": list(self.bounds.libraries), "cpu_seconds": CPU_SECONDS,
                                    "memory_bytes": self.bounds.memory_bytes}, START_SECONDS, MEGABYTE)
        except UserCodeFault as fault:
            raise SandboxMissing(f"the locked process did not start ({fault.message.rstrip('.')})") from fault
        if first.get("ready") is not True:
            raise SandboxMissing(f"the system does not give {first.get('missing') or 'a locked process'}")
        loaded = self._ask({"load": {"source": self.source, "name": self.function}}, largest=MEGABYTE).get("loaded")
        if not _are_parameters(loaded):
            raise self._ended("The function's process answered something else than the function's parameters")
        self.parameters = loaded

    def _ask(self, question: dict[str, Any], *, largest: int) -> dict[str, Any]:
        """The answer to one frame. Raises UserCodeFault where it tells of a fault, or is not an answer to this frame."""
        number = next(self._numbers)
        answer = self._exchange(question | {"id": number}, self.bounds.timeout_seconds, largest)
        if answer.get("id") != number:
            raise self._ended("The function's process answered out of turn")
        if "wrong" in answer:
            raise UserCodeFault(f"{_text(answer['wrong'])}.", "Return one number, or None, for each answer.")
        if "raised" in answer:
            lines = _lines(answer.get("lines"))
            raise UserCodeFault(f"The function failed: {_text(answer['raised'])}" + (f"\n{lines}" if lines else ""),
                                "Correct the function and try it again on a few answers.")
        return answer

    def _exchange(self, question: dict[str, Any], seconds: float, largest: int) -> dict[str, Any]:
        """Sends a frame and takes one of at most `largest` bytes within `seconds`; on any failure the child is ended."""
        try:
            body = json.dumps(question).encode()
        except (TypeError, ValueError) as error:
            raise UserCodeFault(f"The rows cannot be handed to the function: {error}.", "Use columns of plain values.") from error
        if len(body) > LARGEST_QUESTION:
            raise UserCodeFault("The rows of this step are too large to hand to the function.", "Use fewer or shorter answers.")
        deadline = time.monotonic() + seconds
        self._send(struct.pack(">I", len(body)) + body, deadline, seconds)
        size = struct.unpack(">I", self._receive(4, deadline, seconds))[0]
        if size > largest:
            raise self._ended(f"The function's process answered {size} bytes, which is far more than its numbers take")
        try:
            answer = json.loads(self._receive(size, deadline, seconds))
        except (ValueError, RecursionError) as error:
            raise self._ended("The function's process answered something that cannot be read") from error
        if not isinstance(answer, dict):
            raise self._ended("The function's process answered something that cannot be read")
        return answer

    def _send(self, data: bytes, deadline: float, seconds: float) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        view = memoryview(data)
        while view:
            self._wait(self._process.stdin.fileno(), selectors.EVENT_WRITE, deadline, seconds)
            try:
                view = view[os.write(self._process.stdin.fileno(), view[:MEGABYTE]):]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._ended(self._how_ended()) from None

    def _receive(self, count: int, deadline: float, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        parts = []
        while count:
            self._wait(self._process.stdout.fileno(), selectors.EVENT_READ, deadline, seconds)
            try:
                part = os.read(self._process.stdout.fileno(), min(count, MEGABYTE))
            except BlockingIOError:
                continue
            if not part:
                raise self._ended(self._how_ended())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int, deadline: float, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise self._ended(f"The function took longer than {seconds:g} seconds",
                                  "Look for a loop without an end, make it faster, or raise its time limit.")

    def _how_ended(self) -> str:
        """What the process died of, in words."""
        assert self._process is not None
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return "The function closed its connection"
        if code == 0:
            return "The function ended its own process"
        return f"The function's process died of signal {-code}" if code < 0 else f"The function's process ended with code {code}"

    def _ended(self, message: str, remedy: str = "Correct the function and try it again on a few answers.") -> UserCodeFault:
        self.close()
        return UserCodeFault(f"{message}.", remedy)


def _text(said: object, longest: int = 4000) -> str:
    """The process's own words, as a text that every file and database takes."""
    return storable_text(str(said)[:longest])


def _are_parameters(said: object) -> TypeGuard[dict[str, Any]]:
    """Whether that is what a process says of a function: source may write to its descriptors before it is our turn."""
    return isinstance(said, dict) and isinstance(said.get("any"), bool) and all(
        isinstance(said.get(part), list) and all(isinstance(name, str) for name in said[part]) for part in ("names", "needed"))


def _lines(found: object) -> str:
    """The person's own lines of a traceback, as a person reads them. Nothing where the process sent anything else."""
    if not isinstance(found, list):
        return ""
    return "\n".join(f"  line {_text(int(line[0]), 10)}, in {_text(line[1], 80)}: {_text(line[2], 200)}" for line in found[-8:]
                     if isinstance(line, list) and len(line) == 3 and isinstance(line[0], int))


def missing() -> str:
    """Why people's code cannot run here; empty where it can. Starts a locked process and has it compute."""
    try:
        child = Child("def reward(completions):\n    return [1.0 for _ in completions]\n", "reward", Bounds())
    except SandboxMissing as fault:
        return fault.message
    try:
        return "" if child.call({"completions": [""]}, 1) == [1.0] else "The sandbox does not compute rightly."
    finally:
        child.close()
