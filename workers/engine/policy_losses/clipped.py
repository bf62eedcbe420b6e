"""The clipped surrogate of PPO (arXiv 1707.06347, eq. 7) as GRPO uses it, with the variants that change one number.

ε_high ≠ ε is DAPO's clip-higher (arXiv 2503.14476); `delta` caps the ratio where A < 0 (dual clip, arXiv 1912.09729, in
TRL's two-sided form, arXiv 2505.07291); the level `sequence` is GSPO's ratio s = exp(mean_t log ρ_t) (arXiv 2507.18071),
whose gradient reaches every token through sg[s]·ρ_t/sg[ρ_t]. The level `answer` is the ratio of whole answers as one action
each, π(y)/π_old(y) = exp(Σ_t log ρ_t), as RLOO has it (arXiv 2402.14740): each token of a row bears the row's one term, with
its whole gradient, so that the mean over a row's tokens is that term.
"""

from typing import Literal

import torch
from torch import Tensor

from workers.engine.policy_losses import PolicyTerms

Level = Literal["token", "sequence", "answer"]


def log_ratio(policy_logprobs: Tensor, old_logprobs: Tensor, mask: Tensor, level: Level) -> Tensor:
    """log ρ [B,T]: per token; per sequence the masked mean with the token's own gradient; per answer the masked sum."""
    difference = torch.where(mask.bool(), policy_logprobs - old_logprobs.detach(), torch.zeros_like(policy_logprobs))
    if level == "token":
        return difference
    if level == "answer":
        return difference.sum(-1, keepdim=True).expand_as(difference)
    mean = difference.detach().sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    return mean + policy_logprobs - policy_logprobs.detach()


def terms(
    policy_logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    epsilon: float = 0.2,
    epsilon_high: float | None = None,
    delta: float | None = None,
    level: Level = "token",
) -> PolicyTerms:
    """−min(ρA, clip(ρ, 1−ε, 1+ε_high)A) per token, with ρ capped at `delta` in the first product if given.

    On policy (old = sg[policy]) ρ is 1 and the gradient is REINFORCE's −A ∇log π. Masked positions have no gradient.
    """
    high = 1 + (epsilon if epsilon_high is None else epsilon_high)
    ratio = log_ratio(policy_logprobs, old_logprobs, mask, level).exp()
    free = ratio if delta is None else ratio.clamp(max=delta)
    worst = torch.min(free * advantages, ratio.clamp(1 - epsilon, high) * advantages)
    seen = ratio.detach()
    inside = mask.bool()
    return PolicyTerms(
        terms=-worst,
        ratio=seen,
        low_clipped=(seen < 1 - epsilon) & (advantages < 0) & inside,
        high_clipped=(seen > high) & (advantages > 0) & inside,
    )
