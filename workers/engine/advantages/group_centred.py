"""Dr.GRPO's estimator (arXiv 2503.20783): the return less its group's mean, not divided by anything."""

from torch import Tensor

from workers.engine.advantages import broadcast, centred
from workers.engine.credit import returns


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """R − mean_group on every masked token."""
    return broadcast(centred(returns(token_rewards, mask), groups), mask)
