"""REINFORCE with a learned baseline: rewards to go less the value of the state in which a token was chosen."""

from torch import Tensor

from workers.engine.advantages._baselines import above

NEEDS = ("values",)
"""[B,T], without gradient: V of the state before each token."""

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, values: Tensor, gamma: float | None = 1.0) -> Tensor:
    """G_t − V_t on every masked token: GAE at λ = 1."""
    return above(values, token_rewards, mask, gamma=gamma)
