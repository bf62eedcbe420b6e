"""Step rewards: what each step of an answer earns, from the chances that its steps are right (survey §7, `rm-hybrid`).

With s_j the chance after step j of n, and s_0 = 1/2 before the first:

| value | s_j |
| progress | s_j − s_{j−1}: how far the step moved the chance; sums to s_n − 1/2 |
| potential | the same with s_n taken as 0: potential-based shaping (Ng et al. 1999, γ = 1), which sums to −s_0 whatever the
  steps, so that beside an outcome's reward it leaves the best policy what it was |
"""

from typing import Literal

import torch
from torch import Tensor

StepReward = Literal["value", "progress", "potential"]
UNKNOWN = 0.5


def step_rewards(chances: Tensor, how: StepReward) -> Tensor:
    """Rewards [n] of steps with chances [n]; none for no steps."""
    if how == "value" or not len(chances):
        return chances
    after = chances.clone()
    if how == "potential":
        after[-1] = 0.0
    return after - torch.cat([chances.new_tensor([UNKNOWN]), chances[:-1]])
