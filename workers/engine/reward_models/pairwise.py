"""All pairs of a ranking by Bradley-Terry, so that a prompt counts once however many answers it has (arXiv 2203.02155, eq. 1).

L = mean over pairs i ≻ j of `bradley_terry`. Answers tied in rank make no pair. Two answers give `bradley_terry` itself.
"""

import torch
from torch import Tensor

from workers.engine.reward_models import bradley_terry


def terms(scores: Tensor, ranks: Tensor, *, top: int = 0) -> Tensor:
    """The loss of one ranking, a scalar, from `scores` [m] and `ranks` [m], the lowest being best; 0 where no pair is ordered.

    `top` k takes the pairs whose better answer is among the first k; 0 takes all.
    """
    better, worse = (ranks[:, None] < ranks[None, :]).nonzero(as_tuple=True)
    if top:
        place = (ranks[None, :] < ranks[:, None]).sum(-1)
        kept = place[better] < top
        better, worse = better[kept], worse[kept]
    if not len(better):
        return torch.zeros_like(scores[:1]).sum()
    return bradley_terry.terms(scores[better], scores[worse]).mean()
