"""BCO on pairs (arXiv 2404.04656, eq. 12): a classifier told chosen from rejected by their rewards, each by itself.

`Answers.baseline` is the paper's δ/β, the running mean of log-ratios; TRL's pair loss has none (0).
"""

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Answers, Options, both_sides


def contrast(answers: Answers, options: Options) -> Tensor:
    """(h_w − δ/β, h_l − δ/β) [P,2]."""
    return both_sides(answers, options) - answers.baseline


def link(contrast: Tensor, options: Options) -> Tensor:
    """−log σ(c − δ) − log σ(−(r − δ))."""
    chosen, rejected = (options.beta * side for side in contrast.unbind(-1))
    return -F.logsigmoid(chosen) - F.logsigmoid(-rejected)
