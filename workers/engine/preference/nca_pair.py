"""NCA on pairs (arXiv 2402.05369, §5): a classifier's loss that also keeps the chosen answer's likelihood from falling."""

from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Options, both_sides

contrast = both_sides


def link(contrast: Tensor, options: Options) -> Tensor:
    """−log σ(c) − ½·log σ(−c) − ½·log σ(−r)."""
    chosen, rejected = (options.beta * side for side in contrast.unbind(-1))
    return -F.logsigmoid(chosen) - F.logsigmoid(-chosen) / 2 - F.logsigmoid(-rejected) / 2
