"""The clipped surrogate of PPO (arXiv 1707.06347, eq. 7) as GRPO uses it, with the variants that change one number.

ε_high ≠ ε is DAPO's clip-higher (arXiv 2503.14476); `delta` caps the ratio where A < 0 (dual clip, arXiv 1912.09729, in
TRL's two-sided form, arXiv 2505.07291). At the level `sequence` it is GSPO's, at the level `answer` RLOO's.
"""

import torch
from torch import Tensor

from workers.engine.policy_losses import PLAIN, Level, PolicyOptions, PolicyTerms
from workers.engine.policy_losses._ratio import log_ratio, shared

LEVELS: tuple[Level, ...] = ("token", "sequence", "answer")


def terms(
    policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, options: PolicyOptions = PLAIN
) -> PolicyTerms:
    """−min(ρA, clip(ρ, 1−ε, 1+ε_high)A) per token, with ρ capped at `delta` in the first product if given.

    On policy (old = sg[policy]) ρ is 1 and the gradient is REINFORCE's −A ∇log π. Masked positions have no gradient.
    """
    low, high = 1 - options.epsilon, 1 + options.rise
    ratio = log_ratio(policy_logprobs, old_logprobs, mask, options.level).exp()
    free = ratio if options.delta is None else ratio.clamp(max=options.delta)
    worst = torch.min(free * advantages, ratio.clamp(low, high) * advantages)
    seen, inside = ratio.detach(), mask.bool()
    return PolicyTerms(
        terms=shared(-worst, mask, options.level),
        ratio=seen,
        low_clipped=(seen < low) & (advantages < 0) & inside,
        high_clipped=(seen > high) & (advantages > 0) & inside,
    )
