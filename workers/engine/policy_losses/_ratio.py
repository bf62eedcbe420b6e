"""The importance ratio π/π_old at three levels, as logarithms."""

import torch
from torch import Tensor

from workers.engine.policy_losses import Level


def log_ratio(policy_logprobs: Tensor, old_logprobs: Tensor, mask: Tensor, level: Level) -> Tensor:
    """log ρ [B,T]: per token; per sequence the masked mean with the token's own gradient; per answer the masked sum.

    The level `sequence` is GSPO's s = exp(mean_t log ρ_t) (arXiv 2507.18071), whose gradient reaches every token through
    sg[s]·ρ_t/sg[ρ_t]. The level `answer` is that of the whole answer as one action, as RLOO has it (arXiv 2402.14740).
    """
    difference = torch.where(mask.bool(), policy_logprobs - old_logprobs.detach(), torch.zeros_like(policy_logprobs))
    if level == "token":
        return difference
    if level == "answer":
        return difference.sum(-1, keepdim=True).expand_as(difference)
    mean = difference.detach().sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    return mean + policy_logprobs - policy_logprobs.detach()


def shared(terms: Tensor, mask: Tensor, level: Level) -> Tensor:
    """At the level `answer` every token of a row bears its even share of the row's one term, so that their sum is the term."""
    return terms / mask.sum(-1, keepdim=True).clamp(min=1) if level == "answer" else terms
