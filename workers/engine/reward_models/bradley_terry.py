"""Bradley-Terry: P(chosen ≻ rejected) = σ(r_w − r_l), fitted by maximum likelihood.

L = −(1−ε)·log σ(r_w − r_l − m) − ε·log σ(−(r_w − r_l − m)) + c·(r_w + r_l)²

m is the pair's margin (arXiv 2307.09288, eq. 2), ε the share of labels taken to be flipped (arXiv 2305.18290's authors'
conservative form) or, pair by pair, 1 less a judge's chance that the chosen answer is better (arXiv 2309.00267), c centres the
scores, which the first terms leave free up to a constant (arXiv 2312.09244, appendix).
Equal scores without margin give log 2.
"""

from torch import Tensor
from torch.nn import functional as F


def terms(chosen: Tensor, rejected: Tensor, *, margin: Tensor | float = 0.0, label_smoothing: Tensor | float = 0.0,
          centring: float = 0.0) -> Tensor:
    """One loss a pair [P] from scores `chosen` and `rejected` [P]; gradients reach both.

    `margin` and `label_smoothing` are [P] or one number.
    """
    difference = chosen - rejected - margin
    likelihood = (1 - label_smoothing) * F.logsigmoid(difference) + label_smoothing * F.logsigmoid(-difference)
    return centring * (chosen + rejected).square() - likelihood
