"""ORPO's term (arXiv 2403.07691, eq. 7): the odds of the chosen answer against those of the rejected one, for each token.

With a, b the mean log-probs of the answers: log_odds = (a − b) − (log(1 − e^a) − log(1 − e^b)). Needs no reference; where
probabilities are small it is the plain likelihood ratio.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.engine.data.pairs import sides
from workers.engine.preference import Answers, Options

SUREST = -1e-6
"""A mean log-prob nearer to 0 counts as this: certainty has no odds."""


def contrast(answers: Answers, options: Options) -> Tensor:
    """Difference of the log-odds [P]."""
    mean = (answers.policy / answers.lengths.clamp(min=1)).clamp(max=SUREST)
    chosen, rejected = sides(mean - log1mexp(mean))
    return chosen - rejected


def link(contrast: Tensor, options: Options) -> Tensor:
    """−β·log σ(log_odds)."""
    return -options.beta * F.logsigmoid(contrast)


def log1mexp(values: Tensor) -> Tensor:
    """log(1 − e^z) for z < 0, each half of the range by the form that keeps its digits (Mächler 2012)."""
    small = values > -0.6931471805599453
    near = torch.where(small, values, -1.0)
    far = torch.where(small, -1.0, values)
    return torch.where(small, (-near.expm1()).log(), (-far.exp()).log1p())
