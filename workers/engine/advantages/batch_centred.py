"""REINFORCE with the step's mean as baseline. It looks at the answer itself, which scales the gradient by 1 − 1/B."""

from torch import Tensor

from workers.engine.advantages._baselines import above
from workers.engine.credit import returns

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float | None = None) -> Tensor:
    """R − mean of all finite R on every masked token (rewards to go in place of R for a `gamma`); groups are not looked at."""
    return above(returns(token_rewards, mask).nanmean().expand(len(mask)), token_rewards, mask, gamma=gamma)
