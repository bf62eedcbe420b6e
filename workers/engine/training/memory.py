"""How much is computed at once after memory has run out: halved, told, and kept for the rest of the run.

Limits stand by kind of work: a `Fit` phase by its name in samples, `SCORING` in tokens, `WRITING` in prompts. They belong to
the process, as its memory does; `begin` forgets those of a run before.
"""

import ctypes
import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from workers.engine.faults import MemoryFault, is_memory_out

T = TypeVar("T")

SCORING, WRITING = "scoring", "writing"
REMEDY = "Lower max_length or the length of answers, turn gradient_checkpointing on, or choose a smaller model."

KEPT = 1 << 28
"""Bytes of freed memory that the process keeps instead of handing them back to the system."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_THRESHOLD = 1 << 25
"""glibc's names and its largest bound, in bytes, of what is taken from the heap."""

_limits: dict[str, int] = {}
_tell: list[Callable[[str], None]] = []


def begin(tell: Callable[[str], None]) -> None:
    """A new run: nothing is known to be too much; `tell` takes the sentence that says what was halved."""
    _limits.clear()
    _tell[:] = [tell]


def keep_freed() -> None:
    """Has the C library keep what a step frees for the next one, where it is glibc; elsewhere nothing changes.

    By default it hands large blocks back at once, and every step takes them anew page by page: a twentieth of the processor
    time of a step of ten million parameters.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(M_TRIM_THRESHOLD, KEPT)
    mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD)


def limits() -> dict[str, int]:
    return dict(_limits)


def restore(held: dict[str, int]) -> None:
    _limits.update(held)


def most(work: str, wanted: int) -> int:
    """How much of `wanted` may be computed at once."""
    return min(wanted, _limits.get(work, wanted))


def halve(work: str, size: int, *, what: str) -> None:
    """`size` was too much for `work`: from here on half of it. `what` are its units, such as samples."""
    _limits[work] = max(1, size // 2)
    for tell in _tell:
        tell(f"Memory ran out with {size} {what} at once ({work}). From here on at most {_limits[work]}; "
             "the results are the same, each step takes longer.")


def tried(attempt: Callable[[], T]) -> tuple[T | None, bool]:
    """What `attempt` answers, or None and True when memory ran out, with what it held let go."""
    try:
        return attempt(), False
    except (RuntimeError, MemoryError) as error:
        if not is_memory_out(error):
            raise
    # Past the handler, which holds the frames of what failed and with them its tensors.
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    return None, True


def in_parts(work: str, total: int, attempt: Callable[[slice], T], *, weight: int = 1, what: str) -> list[T]:
    """`attempt` of consecutive parts of `total` things of which each weighs `weight` units; parts halve when memory runs out.

    Raises MemoryFault when one thing alone is too much.
    """
    found: list[T] = []
    at = 0
    while at < total:
        size = min(total - at, max(1, most(work, total * weight) // weight))
        part = slice(at, at + size)
        answer, out = tried(lambda part=part: attempt(part))  # type: ignore[misc]
        if not out:
            found.append(answer)  # type: ignore[arg-type]
            at += size
        elif size == 1:
            raise MemoryFault(f"Memory ran out with {weight} {what} ({work}), and there is nothing left to halve.", REMEDY)
        else:
            halve(work, size * weight, what=what)
    return found
