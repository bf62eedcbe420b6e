"""The self-critical baseline: what the policy's greedy answer to the same prompt earns (SCST, arXiv 1612.00563).

Unbiased, as the greedy answer does not depend on the one drawn; an answer that is the greedy one teaches nothing. ReMax
(arXiv 2310.10505) takes it from the rewards to go, which differ where tokens have rewards of their own, such as a KL.
"""

from torch import Tensor

from workers.engine.advantages._baselines import above

NEEDS = ("greedy_reward",)
"""[B]: the greedy answer's reward; NaN where it has none, which leaves the answer without an advantage."""

OPTIONS = ("gamma",)


def advantages(
    token_rewards: Tensor, mask: Tensor, groups: Tensor, *, greedy_reward: Tensor, gamma: float | None = None
) -> Tensor:
    """R − R_greedy on every masked token (rewards to go in place of R for a `gamma`); groups are not looked at."""
    return above(greedy_reward, token_rewards, mask, gamma=gamma)
