"""LD-DPO (arXiv 2409.06411, eq. 11): what the longer answer has more counts less, so that length alone teaches little.

α = 1 is DPO, α = 0 compares both sides up to the shorter one's length.
"""

import torch
from torch import Tensor

from workers.engine.data.pairs import sides
from workers.engine.token_weights import Options, Weighting


def weigh(mask: Tensor, options: Options) -> Weighting:
    """1 on the first min(T_w, T_l) tokens of either side, α on the rest."""
    place, lengths = mask.cumsum(-1), mask.sum(-1)
    shared = torch.minimum(*sides(lengths)).repeat_interleave(2)
    weights = torch.where(place <= shared[:, None], 1.0, options.alpha)
    return Weighting(torch.where(mask, weights, 0.0), lengths)
