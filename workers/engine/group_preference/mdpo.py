"""mDPO: the logistic loss of the difference between two groups' means (arXiv 2410.12138).

From few answers it is a biased estimate of what endless ones would give: the link is not linear.
"""

from torch import Tensor

from workers.engine.group_preference import Options, mean_gap
from workers.engine.preference import Options as PairOptions
from workers.engine.preference import sigmoid


def term(log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor:
    """−log σ(βD)."""
    return sigmoid.link(mean_gap(log_ratios, ranks), PairOptions(options.beta))
