"""Dr.GRPO's estimator (arXiv 2503.20783): the return less its group's mean, not divided by anything."""

from torch import Tensor

from workers.engine.advantages._baselines import above, group_mean
from workers.engine.credit import returns

SMALLEST_GROUP = 2
OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = None) -> Tensor:
    """R − mean_group on every masked token (rewards to go in place of R for a `gamma`)."""
    return above(group_mean(returns(token_rewards, mask), groups), token_rewards, mask, gamma=gamma)
