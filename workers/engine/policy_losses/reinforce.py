"""REINFORCE (Williams 1992): −A·log π, whose gradient is the policy gradient on answers of the present policy.

There is no ratio in it: on answers of another policy, as in a second pass over them, its gradient is biased.
"""

import torch
from torch import Tensor

from workers.engine.policy_losses import PLAIN, Level, PolicyOptions, PolicyTerms
from workers.engine.policy_losses._ratio import log_ratio

LEVELS: tuple[Level, ...] = ("token",)


def terms(
    policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, options: PolicyOptions = PLAIN
) -> PolicyTerms:
    """−A·log π per token; the ratio is told and not used, nothing is clipped."""
    never = torch.zeros_like(mask, dtype=torch.bool)
    ratio = log_ratio(policy_logprobs.detach(), old_logprobs, mask, "token").exp()
    return PolicyTerms(-advantages * policy_logprobs, ratio, never, never)
