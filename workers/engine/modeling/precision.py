"""Faster float32 matrix products during scoring and update, where they cost no accuracy.

`torch.set_float32_matmul_precision("medium")` sends linear layers to oneDNN, about twice as fast on AMD hosts and still
float32 there; on processors with bfloat16 units it would lose digits. The probe looks at the error alone, never at the
clock, so that one machine always chooses the same.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import torch

TOLERANCE = 2e-6
"""Largest relative error (Frobenius norm, against float64) at which the faster products still count as float32."""

WORTHWHILE_WIDTH = 256
"""Hidden width from which oneDNN's rate outweighs its cost per call; at 128 a step takes as long with either."""


@cache
def chosen() -> str:
    """"medium" where its error is within `TOLERANCE` on this CPU, else "highest"."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        left, right = torch.randn(64, 256), torch.randn(256, 64)
    exact = left.double() @ right.double()
    with _matmul("medium"):
        error = float((torch.nn.functional.linear(left, right.T.contiguous()).double() - exact).norm() / exact.norm())
    return "medium" if error <= TOLERANCE else "highest"


def for_updates(device: torch.device, width: int) -> Callable[[], AbstractContextManager[None]]:
    """What to wrap scoring and backward of a model of this hidden width in. Only CPUs are probed; elsewhere nothing changes."""
    quick = device.type == "cpu" and width >= WORTHWHILE_WIDTH
    precision = chosen() if quick else torch.get_float32_matmul_precision()
    return lambda: _matmul(precision)


def full() -> AbstractContextManager[None]:
    """Around what must not, or had better not, use the faster products."""
    return _matmul("highest")


@contextmanager
def _matmul(precision: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
