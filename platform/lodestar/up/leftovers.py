"""Processes that a stopped Lodestar left: runs execute in sessions of their own, which no supervisor's signal reaches."""

from collections.abc import Callable

import psutil

MARK = "LODESTAR_UP"


def marked(mark: str) -> list[psutil.Process]:
    """Every process that came from the `lodestar up` which put `mark` into its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def end(mark: str, *, grace_seconds: float) -> int:
    """Asks them to leave (runs write a checkpoint), kills what stays; returns how many had to be killed."""
    processes = marked(mark)
    for process in processes:
        _quietly(process.terminate)
    psutil.wait_procs(processes, timeout=grace_seconds)
    staying = marked(mark)
    for process in staying:
        _quietly(process.kill)
    psutil.wait_procs(staying, timeout=5)
    return len(staying)


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except psutil.NoSuchProcess:
        return
