"""Policy losses: log-probs, old log-probs, advantages and mask, all [B,T], to per-token terms (B sequences, T tokens).

Every member has `terms(policy_logprobs, old_logprobs, advantages, mask, …) -> PolicyTerms`; a reducer makes the scalar.
The gradient reaches `policy_logprobs` alone. To add one, add a file.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class PolicyTerms:
    """Per-token results, all [B,T]. `terms` carries the gradient; the others are for curves and are detached.

    `ratio` is the importance ratio used; `low_clipped` and `high_clipped` are true where the clip cut the gradient.
    """

    terms: Tensor
    ratio: Tensor
    low_clipped: Tensor
    high_clipped: Tensor
