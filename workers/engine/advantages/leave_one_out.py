"""RLOO's estimator (arXiv 2402.14740): the baseline of an answer is the mean return of its group's other answers.

Equals G/(G−1)·(R − mean). A group of one has no others: its advantage is 0, as a baseline of nothing teaches nothing.
"""

from torch import Tensor

from workers.engine.advantages import broadcast, centred, group_count
from workers.engine.credit import returns


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """R_i − (ΣR − R_i)/(G − 1) on every masked token."""
    value = returns(token_rewards, mask)
    size = group_count(value, groups)
    return broadcast(centred(value, groups) * size / (size - 1).clamp(min=1), mask)
