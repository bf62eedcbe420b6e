"""The discounted mean of the rewards from a token on: the sum to go without its pull towards long answers.

A_t = Σ_{s≥t} γ^{s−t} r_s / Σ_{s≥t} γ^{s−t} over masked tokens. With token rewards log p_T − log p_S it is MiniLLM's length
normalised advantage (arXiv 2306.08543): distilling on-policy is then policy optimisation like any other. γ = 0 is the
token's own reward, γ = 1 the mean of all that follow.
"""

import torch
from torch import Tensor

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = 1.0) -> Tensor:
    """A [B,T] on every masked token; tokens between them that are not are no steps. Groups are not looked at.

    A row with a masked reward that is not finite has 0.
    """
    inside = mask.bool()
    rewards = torch.where(inside, token_rewards, torch.zeros_like(token_rewards))
    known = rewards.isfinite().all(-1)
    rate = 1.0 if gamma is None else gamma
    found, total, weight = torch.zeros_like(rewards), torch.zeros_like(rewards[:, 0]), torch.zeros_like(rewards[:, 0])
    for step in range(rewards.shape[1] - 1, -1, -1):
        here = inside[:, step]
        total = torch.where(here, rewards[:, step] + rate * total, total)
        weight = torch.where(here, 1 + rate * weight, weight)
        found[:, step] = torch.where(here & known, total / weight.clamp(min=1), 0.0)
    return found
