"""Every token counts alike: an answer's score is its log-probability."""

from torch import Tensor

from workers.engine.token_weights import Options, Weighting


def weigh(mask: Tensor, options: Options) -> Weighting:
    """1 on the mask."""
    return Weighting(mask.float(), mask.sum(-1))
