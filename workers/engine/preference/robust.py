"""Robust DPO (arXiv 2403.00409, eq. 7): unbiased where a share ε of the labels is flipped at random.

Its mean over flips with chance ε is the plain logistic loss on the right labels; a single pair's loss may be negative.
"""

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Options, pair_difference

contrast = pair_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """[−(1−ε)·log σ(βΔ) + ε·log σ(−βΔ)] / (1−2ε); ε must be below one half."""
    difference, share = options.beta * contrast, options.label_smoothing
    return (share * F.logsigmoid(-difference) - (1 - share) * F.logsigmoid(difference)) / (1 - 2 * share)
