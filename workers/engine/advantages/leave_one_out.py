"""RLOO's estimator (arXiv 2402.14740): the baseline of an answer is the mean return of its group's other answers.

Equals G/(G−1)·(R − mean). A group of one has no others: its advantage is 0, as a baseline of nothing teaches nothing.
"""

from torch import Tensor

from workers.engine.advantages._baselines import above, mean_of_others
from workers.engine.credit import returns

SMALLEST_GROUP = 2
OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = None) -> Tensor:
    """R_i − (ΣR − R_i)/(G − 1) on every masked token (rewards to go in place of R_i for a `gamma`)."""
    return above(mean_of_others(returns(token_rewards, mask), groups), token_rewards, mask, gamma=gamma)
