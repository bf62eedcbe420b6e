"""DiscoPOP (arXiv 2406.08414, eq. 5): the logistic and the exponential loss, blended by how clear a pair is.

Found by a search, not derived; it is not convex: below zero there is a second valley.
"""

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Options, pair_difference

LOWEST = -80.0
"""Where e^{−x} would leave float32; the blend's weight there is 0 long before."""

contrast = pair_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """−(1−m)·log σ(x) + m·e^{−x} with x = βΔ and m = σ(x/τ)."""
    difference = options.beta * contrast
    mixture = (difference / options.tau).sigmoid()
    return mixture * (-difference.clamp(min=LOWEST)).exp() - (1 - mixture) * F.logsigmoid(difference)
