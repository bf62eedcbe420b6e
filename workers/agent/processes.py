"""Processes by pid and start time, since a pid alone may have passed to a stranger."""

import os
import signal
import time
from dataclasses import dataclass

import psutil
from django.conf import settings

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessMark:
    """A process that can be known again: its pid and when it started (Unix seconds)."""

    pid: int
    started: float

    def alive(self) -> psutil.Process | None:
        """The process while it runs; None when it is gone, a zombie, or the pid is somebody else's by now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def child_environment() -> dict[str, str]:
    """Our environment, with this checkout on the path of a Python that we start."""
    roots = [str(settings.ROOT), str(settings.ROOT / "platform"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(root for root in roots if root)}


def mark_of(pid: int) -> ProcessMark:
    """Raises psutil.NoSuchProcess."""
    return ProcessMark(pid, psutil.Process(pid).create_time())


def signal_group(pid: int, number: signal.Signals) -> bool:
    """Signals the group that `pid` leads; False when nothing of it is left."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    return True


def group_members(pid: int) -> list[int]:
    """Pids in the group `pid` leads or led, zombies left out."""
    members = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == pid and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except ProcessLookupError:
            continue
    return members


def end_group(mark: ProcessMark, *, grace_seconds: float = 0.0) -> None:
    """Ends a process and all of its group: TERM, after `grace_seconds` KILL; returns when nothing of it runs."""
    leads = mark.alive() is not None or _led(mark)
    if not leads:
        return
    if grace_seconds > 0 and signal_group(mark.pid, signal.SIGTERM):
        _wait_gone(mark.pid, grace_seconds)
    signal_group(mark.pid, signal.SIGKILL)
    if not _wait_gone(mark.pid, 30.0):
        raise TimeoutError(f"Process group {mark.pid} cannot be ended; it hangs in the kernel.")


def _led(mark: ProcessMark) -> bool:
    """Whether orphans of the group remain: its leader is gone and no stranger has taken the number."""
    return not psutil.pid_exists(mark.pid) and bool(group_members(mark.pid))


def _wait_gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while group_members(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
