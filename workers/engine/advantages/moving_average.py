"""REINFORCE with a baseline from earlier steps: unbiased, as it cannot know the answer it is taken from (Williams 1992)."""

from torch import Tensor

from workers.engine.advantages._baselines import above

NEEDS = ("baseline",)
"""[B]: what answers earned so far, the same for all."""

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, baseline: Tensor, gamma: float | None = None) -> Tensor:
    """R − b on every masked token (rewards to go in place of R for a `gamma`); groups are not looked at."""
    return above(baseline, token_rewards, mask, gamma=gamma)


def moved(baseline: float, mean_reward: float, momentum: float) -> float:
    """b ← m·b + (1 − m)·mean R."""
    return momentum * baseline + (1 - momentum) * mean_reward
