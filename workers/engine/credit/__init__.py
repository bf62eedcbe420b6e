"""Credit: rewards of whole answers [B] to token rewards [B,T] (B sequences, T tokens).

Every member has `token_rewards(rewards, mask) -> Tensor` and obeys the sum check: the masked sum of a row equals its
reward wherever the row has a token at all. One that needs more names channels [B,T] or scalars [B] in `NEEDS` and takes them
as keywords. A NaN reward (not scorable) gives a row of NaN on its masked tokens, which
every advantage estimator turns into 0. `kl_penalty` is not a member but a shaper that is added to any of them.
To add one, add a file.
"""

from typing import Protocol, cast

import torch
from torch import Tensor

from workers.engine import members


class Credit(Protocol):
    def __call__(self, rewards: Tensor, mask: Tensor, **needed: Tensor) -> Tensor: ...


def credit(name: str) -> Credit:
    """The credit assignment called `name`. Raises LookupError."""
    return cast(Credit, members.load(__name__, name).token_rewards)


def with_kl_penalty(token_rewards: Tensor, divergence: Tensor, mask: Tensor, *, beta: float) -> Tensor:
    """Token rewards [B,T] less β times the divergence [B,T] on every masked token; no gradient.

    With k1 the row's sum is R − β·(log π(y) − log π_ref(y)): the KL-penalised reward of RLHF (arXiv 2203.02155, eq. 2).
    """
    penalty = torch.where(mask.bool(), beta * divergence.detach(), torch.zeros_like(divergence))
    return token_rewards - penalty.to(token_rewards.dtype)


def returns(token_rewards: Tensor, mask: Tensor) -> Tensor:
    """Sum [B] of each row's token rewards [B,T] where the mask is 1; 0 for a row without tokens."""
    return torch.where(mask.bool(), token_rewards, torch.zeros_like(token_rewards)).sum(-1)
