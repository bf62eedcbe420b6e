"""CISPO (MiniMax-M1, arXiv 2506.13585): REINFORCE weighted by the ratio, which is capped and has no gradient.

Where the clipped surrogate drops a token's gradient, here only its weight is bounded, so that rare tokens that open a
thought keep teaching. The cap is absolute, as in TRL, and there is no lower bound, as in the paper's experiments.
"""

import torch
from torch import Tensor

from workers.engine.policy_losses import PLAIN, Level, PolicyOptions, PolicyTerms
from workers.engine.policy_losses._ratio import log_ratio

LEVELS: tuple[Level, ...] = ("token", "sequence")


def terms(
    policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, options: PolicyOptions = PLAIN
) -> PolicyTerms:
    """−sg[min(ρ, weight_cap)]·A·log π per token; `high_clipped` where the cap holds and A > 0, as TRL counts."""
    ratio = log_ratio(policy_logprobs.detach(), old_logprobs, mask, options.level).exp()
    never = torch.zeros_like(mask, dtype=torch.bool)
    held = (ratio > options.weight_cap) & (advantages > 0) & mask.bool()
    return PolicyTerms(-ratio.clamp(max=options.weight_cap) * advantages * policy_logprobs, ratio, never, held)
