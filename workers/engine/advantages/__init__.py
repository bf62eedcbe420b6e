"""Advantages: token rewards [B,T] to A [B,T], without gradient (B sequences, T tokens; `groups` [B] numbers prompts).

Every member has `advantages(token_rewards, mask, groups) -> Tensor` and gives 0 off the mask. One that needs more declares
`NEEDS`, names of channels [B,T] or scalars [B] of the batch, and takes them as keywords; `OPTIONS` are names of config fields
taken likewise, where the method has them; `SMALLEST_GROUP` is how many answers to a prompt make a comparison (not said: 1).
A row whose return is not finite could not be scored: its advantage is 0 and it takes no part in its group's statistics. A
group may have any size; a group of one, or of equal rewards, has advantage 0 wherever a baseline is the group's mean. To add
one, add a file.
"""

from typing import Any, Protocol, cast

import torch
from torch import Tensor

from workers.engine import members

VARIANCE_EPSILON = 1e-8
"""Added to the variance in whitening (TRL's and verl's value)."""


class Advantages(Protocol):
    def __call__(self, token_rewards: Tensor, mask: Tensor, groups: Tensor, **more: Any) -> Tensor: ...


def estimator(name: str) -> Advantages:
    """The advantage estimator called `name`. Raises LookupError."""
    return cast(Advantages, members.load(__name__, name).advantages)


def broadcast(values: Tensor, mask: Tensor) -> Tensor:
    """Values [B] on every masked token of their row; a value that is not finite becomes 0."""
    known = torch.where(values.isfinite(), values, torch.zeros_like(values))
    return known.unsqueeze(-1) * mask.to(known.dtype)


def group_sum(values: Tensor, groups: Tensor) -> Tensor:
    """For each row of values [B], the sum over the finite values of its group [B]."""
    known = torch.where(values.isfinite(), values, torch.zeros_like(values))
    _, index = groups.unique(return_inverse=True)
    return known.new_zeros(int(index.max()) + 1).index_add(0, index, known)[index] if len(values) else known


def group_count(values: Tensor, groups: Tensor) -> Tensor:
    """For each row, how many rows of its group have a finite value [B]."""
    return group_sum(values.isfinite().to(values.dtype), groups)


def centred(values: Tensor, groups: Tensor) -> Tensor:
    """values [B] less the mean of the finite values of their group; NaN stays NaN."""
    return values - group_sum(values, groups) / group_count(values, groups).clamp(min=1)


def whiten(values: Tensor, used: Tensor, *, centre: bool = True) -> Tensor:
    """(x − mean) / √(var + 1e-8) of the entries of [B,T] that are `used` (Bessel), plus the mean again unless `centre`.

    0 elsewhere. Of fewer than two entries there is no deviation: centred they are 0, else they stay.
    """
    inside = used.bool()
    picked = values[inside]
    if len(picked) < 2:
        return torch.where(inside & (not centre), values, 0.0)
    mean = picked.mean()
    white = (values - mean) * torch.rsqrt(picked.var() + VARIANCE_EPSILON)
    return torch.where(inside, white if centre else white + mean, 0.0)
