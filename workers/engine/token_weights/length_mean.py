"""Means over an answer's tokens (SimPO, arXiv 2405.14734, eq. 3): a long answer scores no higher for its length."""

import torch
from torch import Tensor

from workers.engine.token_weights import Options, Weighting


def weigh(mask: Tensor, options: Options) -> Weighting:
    """1/T on the mask; the sum is a mean already."""
    lengths = mask.sum(-1)
    return Weighting(mask / lengths.clamp(min=1)[:, None], torch.ones_like(lengths))
