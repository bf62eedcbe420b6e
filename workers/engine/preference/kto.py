"""KTO (arXiv 2402.01306, eq. 7): every answer stands alone, better or worse than a baseline z, the mean divergence.

Far from z on either side the loss is flat: what is already learned, or hopeless, pulls little. At h = z it is ½.
"""

import torch
from torch import Tensor

from workers.engine.preference import Answers, Options


def contrast(answers: Answers, options: Options) -> Tensor:
    """h − z for a desirable answer, z − h for an undesirable one, [N]."""
    above = answers.log_ratio - answers.baseline
    return torch.where(answers.desirable > 0, above, -above)


def link(contrast: Tensor, options: Options) -> Tensor:
    """1 − σ(βΔ)."""
    return 1 - torch.sigmoid(options.beta * contrast)
