"""Generalised advantage estimation (arXiv 1506.02438): TD errors summed with a decay of γλ.

    δ_t = r_t + γ·V_{t+1} − V_t,   A_t = δ_t + γλ·A_{t+1},   returns R_t = A_t + V_t

λ = 1 gives the discounted return less V, λ = 0 the TD error. The state after a row's last token is worth 0, also where the
length limit cut the answer: the answer is the whole episode.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """Both [B,T], 0 off the mask, without gradient. `returns` are what the critic is fitted to."""

    advantages: Tensor
    returns: Tensor


@torch.no_grad()
def estimate(token_rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Estimate:
    """Advantages and returns from token rewards and values [B,T], back to front over the tokens of the mask [B,T].

    A token off the mask within a row, such as a tool's, is passed over: the state after the token before it is the next
    one that acts. Its own reward does not count.
    """
    following = torch.zeros_like(values[:, 0])
    advantage = torch.zeros_like(following)
    found = torch.zeros_like(values)
    inside = mask.bool()
    for t in range(values.shape[1] - 1, -1, -1):
        error = token_rewards[:, t] + gamma * following - values[:, t]
        advantage = torch.where(inside[:, t], error + gamma * lam * advantage, advantage)
        following = torch.where(inside[:, t], values[:, t], following)
        found[:, t] = torch.where(inside[:, t], advantage, 0.0)
    return Estimate(found, torch.where(inside, found + values, 0.0))
