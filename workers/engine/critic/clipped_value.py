"""The critic's clipped square loss, as PPO's implementations have it (openai/baselines; TRL, verl).

½·max((V − R)², (clip(V, V_old ± ε) − R)²): an update gains nothing by moving a value further than ε from where it stood when
the answers were written. The maximum is pessimistic, as in the policy's surrogate.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ValueTerms:
    """Both [B,T]. `terms` carries the gradient; `clipped` is true where the clip cut it."""

    terms: Tensor
    clipped: Tensor


def terms(values: Tensor, old_values: Tensor, returns: Tensor, *, cliprange: float | None) -> ValueTerms:
    """Per-token terms; the gradient reaches `values` alone. `cliprange` None is the plain ½(V − R)²."""
    free = (values - returns.detach()).square()
    if cliprange is None:
        return ValueTerms(free / 2, torch.zeros_like(free, dtype=torch.bool))
    old = old_values.detach()
    near = torch.minimum(torch.maximum(values, old - cliprange), old + cliprange)
    bound = (near - returns.detach()).square()
    return ValueTerms(torch.max(free, bound) / 2, (bound > free).detach())
