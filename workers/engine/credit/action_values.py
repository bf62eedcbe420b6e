"""What each token is worth, placed so that the rewards to go from a token on are its own value.

r_t = Q_t − Q_{t+1}, and r_T = Q_T for the last: the sum from t on is Q_t. With values that continuations of every beginning
were found to be worth (SeqGAN, arXiv 1609.05473) any advantage that reads rewards to go compares those. The sum over an answer
is its first token's value, an estimate of the reward and not the reward; an answer that could not be scored stays unscored.
"""

import torch
from torch import Tensor

from workers.engine.credit._following import following

NEEDS = ("action_values",)


def token_rewards(rewards: Tensor, mask: Tensor, *, action_values: Tensor) -> Tensor:
    """`action_values` [B,T] less those of the next masked token, on the mask [B,T]; NaN on the tokens of an unscored row."""
    inside = mask.bool()
    found = torch.where(inside, action_values - following(action_values, inside), torch.zeros_like(action_values))
    return torch.where(inside & ~rewards.isfinite().unsqueeze(-1), torch.nan, found)
