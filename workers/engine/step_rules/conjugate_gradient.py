"""The conjugate gradient method (Hestenes and Stiefel 1952) for F·x = g, F symmetric and positive definite."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Solved:
    """`solution` like g; `residual` is ‖g − F·x‖² where it stopped, by the method's own recurrence."""

    solution: Tensor
    residual: float
    iterations: int


def solve(product: Callable[[Tensor], Tensor], vector: Tensor, *, iterations: int = 10, tolerance: float = 1e-10) -> Solved:
    """x with F·x ≈ `vector`, from `product(v)` = F·v, until ‖g − F·x‖² ≤ `tolerance` or so many products were taken.

    Exact after as many as F has different eigenvalues. A direction along which F does not curve upwards ends it early.
    """
    solution = torch.zeros_like(vector)
    residual, direction = vector.clone(), vector.clone()
    size = residual.dot(residual)
    for done in range(iterations):
        if float(size) <= tolerance:
            return Solved(solution, float(size), done)
        curved = product(direction)
        curvature = direction.dot(curved)
        if not float(curvature) > 0:
            return Solved(solution, float(size), done)
        step = size / curvature
        solution = solution + step * direction
        residual = residual - step * curved
        size, old = residual.dot(residual), size
        direction = residual + size / old * direction
    return Solved(solution, float(size), iterations)
