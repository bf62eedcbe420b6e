"""What each step earned, on the token that closes it: process supervision (GRPO's, arXiv 2402.03300, §4.1.3).

Of the sum check only this is left: an answer's token rewards add up to what its steps earned. The reward of the whole answer
counts as far as the steps say it; an answer that could not be scored at all stays unscored.
"""

import torch
from torch import Tensor

NEEDS = ("step_rewards", "step_ends")


def token_rewards(rewards: Tensor, mask: Tensor, *, step_rewards: Tensor, step_ends: Tensor) -> Tensor:
    """`step_rewards` [B,T] where `step_ends` [B,T] is 1 and the mask is; NaN on the masked tokens of an unscored row."""
    kept = torch.where((step_ends > 0) & mask.bool(), step_rewards, torch.zeros_like(step_rewards))
    return torch.where(mask.bool() & ~rewards.isfinite().unsqueeze(-1), torch.nan, kept)
