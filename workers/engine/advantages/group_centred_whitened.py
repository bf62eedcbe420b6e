"""REINFORCE++-baseline's estimator (arXiv 2501.03262): the return less its group's mean, whitened over the batch's tokens."""

from torch import Tensor

from workers.engine.advantages import broadcast, centred, whiten
from workers.engine.credit import returns

SMALLEST_GROUP = 2


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """(x − mean) / sqrt(var + 1e-8) with x = R − mean_group on every masked token of an answer with a reward (Bessel)."""
    value = returns(token_rewards, mask)
    return whiten(broadcast(centred(value, groups), mask), mask.bool() & value.isfinite().unsqueeze(-1))
