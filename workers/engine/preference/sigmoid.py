"""DPO's logistic link (arXiv 2305.18290, eq. 7), with label smoothing for labels that may be flipped (cDPO).

At h = 0 on both sides it is log 2; its gradient is −β·σ(−βΔ)·(∇h_w − ∇h_l). Without a reference it is CPO's preference term
(arXiv 2401.08417); without one, on means over tokens and with a margin γ, SimPO (arXiv 2405.14734, eq. 6).
"""

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Options, pair_difference

contrast = pair_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """−(1−ε)·log σ(βΔ−γ) − ε·log σ(γ−βΔ)."""
    difference = options.beta * contrast - options.gamma
    kept, flipped = F.logsigmoid(difference), F.logsigmoid(-difference)
    return -(1 - options.label_smoothing) * kept - options.label_smoothing * flipped
