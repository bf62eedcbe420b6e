"""REINFORCE without a baseline (Williams 1992): what came after a token is that token's weight. Unbiased and noisy."""

import torch
from torch import Tensor

from workers.engine.advantages._baselines import above

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = 1.0) -> Tensor:
    """Σ_{s≥t} γ^{s−t} r_s on every masked token; groups are not looked at."""
    return above(torch.zeros_like(token_rewards[:, 0]), token_rewards, mask, gamma=gamma)
