"""GRPO's estimator (arXiv 2402.03300, §4.1.2): the return less its group's mean, over its group's deviation.

Edges: equal rewards give deviation 0 and advantage 0; a group of one too. The rewards of a group may be shifted and
scaled by a positive factor without changing A, up to the ε in the denominator.
"""

from torch import Tensor

from workers.engine.advantages import broadcast, centred, group_count, group_sum
from workers.engine.credit import returns

SMALLEST_GROUP = 2
EPSILON = 1e-4
"""Added to the deviation (TRL's value; verl has 1e-6)."""


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, bessel: bool = True) -> Tensor:
    """(R − mean_group) / (std_group + 1e-4) on every masked token; the deviation divides by n − 1 if `bessel`."""
    difference = centred(returns(token_rewards, mask), groups)
    degrees = group_count(difference, groups) - int(bessel)
    deviation = (group_sum(difference.square(), groups) / degrees.clamp(min=1)).sqrt()
    return broadcast(difference / (deviation + EPSILON), mask)
