"""Clocks at the ends of training steps, ours and TRL's: seconds by the wall, and of the processor whatever else it does.

Waiting threads sleep (see `workers.engine`), so processor time counts work alone and a busy machine changes it less.
"""

import itertools
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from transformers.trainer_callback import TrainerCallback

from workers.engine.control import Inbox


@dataclass(frozen=True)
class Took:
    """Median seconds of a step: by the wall, and of all threads on the processor."""

    wall: float
    processor: float


@dataclass
class Ends:
    """Moments between steps, as (wall, processor)."""

    moments: list[tuple[float, float]] = field(default_factory=list)

    def note(self) -> None:
        self.moments.append((time.perf_counter(), time.process_time()))

    def took(self, warm: int) -> Took:
        """The medians without the first `warm` steps."""
        steps = [(later[0] - before[0], later[1] - before[1]) for before, later in itertools.pairwise(self.moments)][warm:]
        return Took(*(statistics.median(step[side] for step in steps) for side in (0, 1)))


class OurClock(Inbox):
    """The loop looks into its inbox before each step."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = Ends()

    def drain(self) -> list[Any]:
        self.ends.note()
        return super().drain()


class TheirClock(TrainerCallback):
    def __init__(self) -> None:
        self.ends = Ends()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.note()


def compared(name: str, pairs: list[tuple[Took, Took]]) -> str:
    """Our medians beside TRL's, and the ratio of each pair: its median and range."""
    parts = []
    for what in ("wall", "processor"):
        mine, theirs = ([getattr(took[side], what) for took in pairs] for side in (0, 1))
        ratios = sorted(one / other for one, other in zip(mine, theirs, strict=True))
        parts.append(f"{what} ours {1e3 * statistics.median(mine):.1f} ms, TRL {1e3 * statistics.median(theirs):.1f} ms,"
                     f" ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})")
    return f"{name}: " + "; ".join(parts)
