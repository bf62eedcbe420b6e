"""REINFORCE++'s estimator (arXiv 2501.03262): undiscounted rewards to go, whitened over all tokens of the batch."""

import torch
from torch import Tensor

from workers.engine.advantages import whiten


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """(Σ_{s≥t} r_s − mean) / sqrt(var + 1e-8) over every finite masked token of the batch (Bessel); no group is used."""
    kept = torch.where(mask.bool(), token_rewards, torch.zeros_like(token_rewards))
    to_go = kept.flip(-1).cumsum(-1).flip(-1)
    return whiten(to_go, mask.bool() & kept.sum(-1, keepdim=True).isfinite())
