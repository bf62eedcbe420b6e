"""What baselines and rewards to go share: A = G − b, with the return G of the whole answer, or from each token on.

Legend: B answers, T tokens.
"""

import torch
from torch import Tensor

from workers.engine.advantages import group_count, group_sum
from workers.engine.credit import returns


def to_go(token_rewards: Tensor, mask: Tensor, *, gamma: float) -> Tensor:
    """G_t = Σ_{s≥t} γ^{s−t} r_s [B,T] over the tokens of the mask [B,T]; 0 off it, where time stands still too."""
    inside = mask.bool()
    kept = torch.where(inside, token_rewards, torch.zeros_like(token_rewards))
    if gamma == 1.0:
        return torch.where(inside, kept.flip(-1).cumsum(-1).flip(-1), 0.0)
    found, following = torch.zeros_like(kept), torch.zeros_like(kept[:, 0])
    for t in range(kept.shape[1] - 1, -1, -1):
        following = torch.where(inside[:, t], kept[:, t] + gamma * following, following)
        found[:, t] = torch.where(inside[:, t], following, 0.0)
    return found


def above(baseline: Tensor, token_rewards: Tensor, mask: Tensor, *, gamma: float | None) -> Tensor:
    """G − b on the masked tokens of every answer that has a reward and a baseline ([B] or [B,T]), 0 elsewhere.

    `gamma` None takes an answer as one action, each of whose tokens has the whole return; else tokens have rewards to go.
    """
    whole = returns(token_rewards, mask)
    gained = whole.unsqueeze(-1).expand_as(token_rewards) if gamma is None else to_go(token_rewards, mask, gamma=gamma)
    difference = gained - (baseline.unsqueeze(-1) if baseline.dim() == 1 else baseline)
    return torch.where(mask.bool() & difference.isfinite() & whole.isfinite().unsqueeze(-1), difference, 0.0)


def group_mean(values: Tensor, groups: Tensor) -> Tensor:
    """The mean [B] of the finite values [B] of each row's group."""
    return group_sum(values, groups) / group_count(values, groups).clamp(min=1)


def mean_of_others(values: Tensor, groups: Tensor) -> Tensor:
    """The mean [B] of the finite values of the other rows of a row's group; NaN where it has no others."""
    return (group_sum(values, groups) - values) / (group_count(values, groups) - 1)
