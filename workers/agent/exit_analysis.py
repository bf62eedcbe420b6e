"""Why an engine died that could not say so itself: exit code, signal, the kernel's memory killer, its last lines."""

import errno
import signal
from pathlib import Path

from workers.contract.events import FailedEvent, FailureCode

VMSTAT = Path("/proc/vmstat")
CGROUP_EVENTS = Path("/sys/fs/cgroup/memory.events")
TELLTALES: tuple[tuple[str, FailureCode, str], ...] = (
    ("CUDA out of memory", "oom", "Lower the batch size or the sequence length."),
    ("MemoryError", "oom", "Lower the batch size or the sequence length, or use a host with more memory."),
    ("No space left on device", "disk_full", "Free disk space on the worker, then retry."),
    ("ModuleNotFoundError", "config", "Install the engine's packages on the worker: pip install lodestar[worker]."),
)


def oom_kills() -> int:
    """How many processes the kernel has killed for memory so far, in our cgroup and on the host."""
    total = 0
    for path in (VMSTAT, CGROUP_EVENTS):
        if path.exists():
            fields = (line.split() for line in path.read_text().splitlines())
            total += sum(int(f[1]) for f in fields if len(f) == 2 and f[0] == "oom_kill")
    return total


def is_disk_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full() -> FailedEvent:
    return FailedEvent(
        code="disk_full",
        message="The worker's disk is full.",
        remedy="Free space below the state directory, then retry: the run goes on from its newest checkpoint.",
    )


def exit_text(code: int) -> str:
    """`exit 1`, or the signal's name."""
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def explain(code: int, *, lines: list[str], oom_kills_before: int, oom_kills_after: int) -> FailedEvent:
    """The failure of an engine that ended with `code` (negative: a signal) and no last word."""
    last = f" Last it printed: {lines[-1][:300]}" if lines else ""
    printed = "\n".join(lines)
    for telltale, cause, remedy in TELLTALES:
        if telltale in printed:
            return FailedEvent(code=cause, message=f"The engine died ({exit_text(code)}).{last}", remedy=remedy)
    if code == errno.ENOSPC:
        return disk_full()
    if code == -signal.SIGKILL and oom_kills_after > oom_kills_before:
        return FailedEvent(
            code="oom",
            message="The kernel killed the engine because the host ran out of memory.",
            remedy="Lower the batch size or the sequence length, or use a host with more memory.",
        )
    if code < 0:
        return FailedEvent(
            code="platform",
            message=f"The engine was ended from outside (signal {-code}, {exit_text(code)}).{last}",
            remedy="Look at the worker host, then retry: the run goes on from its newest checkpoint.",
        )
    return FailedEvent(
        code="platform",
        message=f"The engine left without a word ({exit_text(code)}).{last}",
        remedy="The attempt's engine.log on the worker has all it printed.",
    )
