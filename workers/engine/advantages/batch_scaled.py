"""Centred by group, scaled by the whole batch (TRL's `scale_rewards="batch"`; arXiv 2508.08221 found it steadier)."""

from torch import Tensor

from workers.engine.advantages import broadcast, centred
from workers.engine.advantages.group_normalised import EPSILON
from workers.engine.credit import returns

SMALLEST_GROUP = 2


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """(R − mean_group) / (std of all finite R, Bessel, + 1e-4) on every masked token; 0 with fewer than two rows."""
    value = returns(token_rewards, mask)
    finite = value[value.isfinite()]
    deviation = finite.std() if len(finite) > 1 else value.new_zeros(())
    return broadcast(centred(value, groups) / (deviation + EPSILON), mask)
