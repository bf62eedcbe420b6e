"""The reward spread evenly over the answer's tokens: the same sum, no claim about which token earned it."""

import torch
from torch import Tensor


def token_rewards(rewards: Tensor, mask: Tensor) -> Tensor:
    """Rewards [B] divided by the row's count of `mask` [B,T], on every masked token; an empty row stays 0."""
    share = rewards / mask.sum(-1).clamp(min=1)
    return torch.where(mask.bool(), share.unsqueeze(-1), torch.zeros_like(rewards).unsqueeze(-1))
