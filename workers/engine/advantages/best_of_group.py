"""Advantages for pass@k: only the best answer of a group counts, by how far it is ahead of the second (verl's GRPO_PASSK).

Its expected gradient is that of the best reward among k answers, with k the group's size (arXiv 2503.19595). Where two are
equally the best nothing is taught, as any one of them would have done.
"""

import torch
from torch import Tensor

from workers.engine.advantages import broadcast, centred, group_count, group_sum
from workers.engine.credit import returns

SMALLEST_GROUP = 2
EPSILON = 1e-6
"""Added to the deviation (verl's value)."""


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """(R_max − R_second) / (std_group + 1e-6) on the masked tokens of a group's best answer (the first of equals), else 0."""
    value = returns(token_rewards, mask)
    difference = centred(value, groups)
    deviation = (group_sum(difference.square(), groups) / (group_count(value, groups) - 1).clamp(min=1)).sqrt()
    found = torch.zeros_like(value)
    for group in groups.unique():
        rows = ((groups == group) & value.isfinite()).nonzero().squeeze(-1)
        if len(rows) >= 2:
            ahead, order = value[rows].sort(descending=True, stable=True)
            found[rows[order[0]]] = (ahead[0] - ahead[1]) / (deviation[rows[0]] + EPSILON)
    return broadcast(found, mask)
