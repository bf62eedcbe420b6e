"""What a token earned is its advantage, and nothing that came after: for credit that already is a comparison.

Exact credit of a generated world is such, being how far a token moved the reward to be expected. Nothing is divided by: to scale
token credit by its own spread makes noise loud once most answers are right. Groups are not looked at.
"""

import torch
from torch import Tensor

from workers.engine.credit import returns


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """The token rewards [B,T] on the mask; 0 off it, and in a row whose sum is not finite."""
    kept = mask.bool() & returns(token_rewards, mask).isfinite().unsqueeze(-1)
    return torch.where(kept, token_rewards, torch.zeros_like(token_rewards))
