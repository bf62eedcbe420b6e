"""Learning-rate schedules: pure functions of the step, so that a resumed run has nothing to restore."""

import math
from typing import Literal


def factor(step: int, total: int | None, *, kind: Literal["constant", "linear", "cosine"], warmup_ratio: float) -> float:
    """What the learning rate of update `step` (from 0) is multiplied by; 1 right after the warm-up.

    Rises linearly over `warmup_ratio` of `total` steps, then stays, falls in a line to 0, or along half a cosine to 0.
    Without a total there is no warm-up and no fall.
    """
    if total is None:
        return 1.0
    warmup = math.ceil(warmup_ratio * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if kind == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return 1.0 - done if kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
