"""mIPO: IPO's square of the difference between two groups' means (arXiv 2410.12138), on sums of log-probs.

The square of a mean over k answers is too large by the variance of that mean; taking s²/k off each group's (s² with k − 1) makes
the loss unbiased, so that it may be negative. A group of one answer has no variance to take off.
"""

from torch import Tensor

from workers.engine.group_preference import Options, mean_gap, split
from workers.engine.preference import Options as PairOptions
from workers.engine.preference import ipo


def term(log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor:
    """(D − 1/(2β))² − s²_w/k_w − s²_l/k_l, the last two only where debiased and k ≥ 2."""
    loss = ipo.link(mean_gap(log_ratios, ranks), PairOptions(options.beta))
    for group in split(log_ratios, ranks) if options.debias else ():
        if len(group) > 1:
            loss = loss - group.var() / len(group)
    return loss
