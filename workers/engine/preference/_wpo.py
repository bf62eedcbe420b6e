"""WPO's weights (arXiv 2406.11827, eq. 2): an answer that the policy itself would hardly write counts little.

ω = exp(mean over the answer's tokens of log π(y_t) − log Σ_v π(v)²), a pair's weight ω_w·ω_l, without gradient. The sum over
the vocabulary needs no logits: log Σ_v π(v)² = 2·log π(y) − log π_½(y) for any token y, where π_½ is the softmax at
temperature ½. So log π(y) − log Σ_v π(v)² = log π_½(y) − log π(y).
"""

import torch
from torch import Tensor

from workers.engine.data.pairs import sides


def pair_weights(logprobs: Tensor, sharp_logprobs: Tensor, mask: Tensor) -> Tensor:
    """[P] from log-probs [2P,T] at temperature 1 and ½ and the answers' mask [2P,T]; no gradient."""
    aligned = torch.where(mask, sharp_logprobs - logprobs, 0.0).detach()
    chosen, rejected = sides((aligned.sum(-1) / mask.sum(-1).clamp(min=1)).exp())
    return chosen * rejected
