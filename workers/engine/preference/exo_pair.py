"""EXO on pairs (arXiv 2402.00856, eq. 16): the reverse KL from the policy's own preference to the labels'.

q·(log q − log(1−ε)) + (1−q)·(log(1−q) − log ε) with q = σ(βΔ): least, 0, where q = 1 − ε. Hard labels would make the
divergence infinite, so that ε is 1e-3 where none is set.
"""

import math

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Options, pair_difference

LEAST = 1e-3

contrast = pair_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """KL((q, 1−q) ‖ (1−ε, ε))."""
    difference, share = options.beta * contrast, options.label_smoothing or LEAST
    kept, flipped = F.logsigmoid(difference), F.logsigmoid(-difference)
    return kept.exp() * (kept - math.log1p(-share)) + flipped.exp() * (flipped - math.log(share))
