"""A trust region's step (TRPO, arXiv 1502.05477, appendix C): as far along F⁻¹g as the KL allows, then back until it pays.

With the quadratic model KL(θ + Δ) ≈ ½·Δᵀ F Δ, the step √(2δ / sᵀFs)·s along s = F⁻¹g reaches it at exactly δ.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Tried:
    """What a step did: `gain` of the surrogate over where it began, and the mean `kl` to there."""

    gain: float
    kl: float


@dataclass(frozen=True)
class Found:
    """`fraction` of the full step that was taken, 0 when none was; `backtracks` is how often it was shortened."""

    fraction: float
    backtracks: int
    tried: Tried


def full_step(direction: Tensor, curved: Tensor, *, delta: float) -> Tensor:
    """√(2δ / sᵀFs)·s for a direction s [n] and `curved` F·s; nothing where s does not curve upwards."""
    curvature = float(direction.dot(curved))
    return direction * (math.sqrt(2 * delta / curvature) if curvature > 0 else 0.0)


def search(attempt: Callable[[float], Tried], *, delta: float, shrink: float = 0.8, tries: int = 10) -> Found:
    """The first of the fractions 1, shrink, shrink², … whose step keeps the KL within `delta` and raises the surrogate.

    `attempt(fraction)` takes the step and measures it; after the last one that fails it is called with 0.
    """
    fraction = 1.0
    for backtracks in range(tries):
        tried = attempt(fraction)
        if tried.kl <= delta and tried.gain > 0:
            return Found(fraction, backtracks, tried)
        fraction *= shrink
    return Found(0.0, tries, attempt(0.0))
