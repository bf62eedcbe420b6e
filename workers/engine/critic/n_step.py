"""Returns of n steps (Watkins 1989; A3C, arXiv 1602.01783): n rewards as they came, then the critic's word.

    R_t = Σ_{i<n} γ^i·r_{t+i} + γ^n·V_{t+n},   A_t = R_t − V_t

n = 1 is GAE at λ = 0, and n as long as the answer is λ = 1. The state after a row's last token is worth 0.
"""

import torch
from torch import Tensor

from workers.engine.critic.gae import Estimate


@torch.no_grad()
def estimate(token_rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, steps: int) -> Estimate:
    """Advantages and returns from token rewards and values [B,T] over the tokens of the mask [B,T]; others are passed over."""
    inside = mask.bool()
    found = torch.where(inside, values, 0.0)
    for _ in range(min(steps, int(inside.sum(-1).amax())) if inside.numel() else 0):
        found = torch.where(inside, token_rewards + gamma * _next(found, inside), 0.0)
    return Estimate(torch.where(inside, found - values, 0.0), found)


def _next(values: Tensor, inside: Tensor) -> Tensor:
    """For each token what `values` [B,T] hold at the row's next token inside; 0 where there is none."""
    found, following = torch.zeros_like(values), torch.zeros_like(values[:, 0])
    for t in range(values.shape[1] - 1, -1, -1):
        found[:, t] = following
        following = torch.where(inside[:, t], values[:, t], following)
    return found
