"""The whole reward on the last token of the answer: outcome supervision as PPO's implementations place it."""

import torch
from torch import Tensor


def token_rewards(rewards: Tensor, mask: Tensor) -> Tensor:
    """Rewards [B] at the last position of each row where `mask` [B,T] is 1, 0 elsewhere; an empty row stays 0."""
    positions = torch.arange(mask.shape[-1], device=mask.device).expand_as(mask)
    last = torch.where(mask.bool(), positions, torch.full_like(positions, -1)).amax(-1, keepdim=True)
    here = (positions == last) & mask.bool()
    return torch.where(here, rewards.unsqueeze(-1), torch.zeros_like(rewards).unsqueeze(-1))
