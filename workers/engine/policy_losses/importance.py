"""The importance-weighted surrogate −ρA without any clip: TRPO's objective (arXiv 1502.05477, eq. 14), exact off policy.

Its variance grows with the distance to the policy that sampled, which a trust region, a clip or few updates must hold.
"""

import torch
from torch import Tensor

from workers.engine.policy_losses import PLAIN, Level, PolicyOptions, PolicyTerms
from workers.engine.policy_losses._ratio import log_ratio, shared

LEVELS: tuple[Level, ...] = ("token", "sequence", "answer")


def terms(
    policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, options: PolicyOptions = PLAIN
) -> PolicyTerms:
    """−ρA per token; at ρ = 1 its gradient is REINFORCE's."""
    ratio = log_ratio(policy_logprobs, old_logprobs, mask, options.level).exp()
    never = torch.zeros_like(mask, dtype=torch.bool)
    return PolicyTerms(shared(-ratio * advantages, mask, options.level), ratio.detach(), never, never)
