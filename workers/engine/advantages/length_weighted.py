"""OPO's estimator (arXiv 2505.23585): the group's mean return weighted by length, the baseline of least variance.

The optimal baseline weighs each answer by its squared gradient norm; where tokens' gradients are alike and orthogonal that
norm grows with the length. Answers of one length have the plain mean; equal rewards give 0.
"""

import torch
from torch import Tensor

from workers.engine.advantages import group_sum
from workers.engine.advantages._baselines import above
from workers.engine.credit import returns

SMALLEST_GROUP = 2
OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = None) -> Tensor:
    """R_i − Σ_j l_j·R_j / Σ_j l_j over the group, l the masked tokens, on every one of them (to go for a `gamma`)."""
    value = returns(token_rewards, mask)
    lengths = mask.sum(-1).to(value.dtype)
    known = torch.where(value.isfinite(), lengths, torch.nan)
    baseline = group_sum(value * lengths, groups) / group_sum(known, groups).clamp(min=1)
    return above(baseline, token_rewards, mask, gamma=gamma)
