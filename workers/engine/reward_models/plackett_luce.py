"""Plackett-Luce: a ranking is drawn by taking the best of what is left, again and again, each with chance ∝ e^r.

L = −Σ_{ℓ=1}^{k} [ r_{jℓ} − log Σ_{i≥ℓ} e^{r_{ji}} ] for j1 ≻ … ≻ jm, the first k choices of m answers (all of them when no k is
given; the last is none). Answers tied in rank have no order among themselves: the loss is the mean over all orders that the
ranks allow, which needs only the mean over subsets of a tie. Two answers give `bradley_terry`. Survey §3.1, `rm-pl`.
"""

from itertools import combinations

import torch
from torch import Tensor

MOST_TIED = 10
"""A tie of n answers has 2^n subsets."""


def terms(scores: Tensor, ranks: Tensor, *, top: int = 0) -> Tensor:
    """The loss of one ranking, a scalar, from `scores` [m] and `ranks` [m], 1 (or the lowest) being best.

    `top` k counts the first k choices only; 0 counts all. One answer gives 0; answers all of one rank give what is least where
    their scores are equal, log m! there. Raises ValueError for more than `MOST_TIED` answers of one rank.
    """
    wanted = len(scores) if top == 0 else min(top, len(scores))
    loss, chosen = scores.new_zeros(()), 0
    for rank in ranks.unique().tolist():
        if chosen >= wanted:
            break
        tied, after = scores[ranks == rank], scores[ranks > rank]
        loss = loss + _choices(tied, after, min(len(tied), wanted - chosen))
        chosen += len(tied)
    return loss


def _choices(tied: Tensor, after: Tensor, count: int) -> Tensor:
    """−log-chance of the first `count` choices among `tied` [n] before `after` [r], the mean over the orders of the tied."""
    if len(tied) == 1:
        return torch.cat([tied, after]).logsumexp(0) - tied[0]
    if len(tied) > MOST_TIED:
        raise ValueError(f"{len(tied)} answers are tied; at most {MOST_TIED} can be.")
    loss = -count / len(tied) * tied.sum()
    for left in range(len(tied), len(tied) - count, -1):
        kept = tied[torch.tensor(list(combinations(range(len(tied)), left)), device=tied.device)]
        rest = after.expand(len(kept), len(after))
        loss = loss + torch.cat([kept, rest], -1).logsumexp(-1).mean()
    return loss
