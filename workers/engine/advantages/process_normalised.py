"""GRPO's estimator with process supervision (arXiv 2402.03300, §4.1.3): step rewards normalised over all steps of the group.

A token's advantage is the sum of the normalised rewards of the steps that end at it or later. Longer answers collect more
terms, so that within a group the mean over all steps need not be 0; `center_by_steps` takes it off. One step an answer, at its
last token, is `group_normalised`. Equal step rewards give 0.
"""

import torch
from torch import Tensor

from workers.engine.advantages import group_count, group_sum
from workers.engine.advantages.group_normalised import EPSILON
from workers.engine.credit import returns

SMALLEST_GROUP = 2
NEEDS = ("step_ends",)
OPTIONS = ("center_by_steps",)


def advantages(
    token_rewards: Tensor, mask: Tensor, groups: Tensor, *, step_ends: Tensor, center_by_steps: bool = False
) -> Tensor:
    """Σ_{j: end(j) ≥ t} (r_j − mean_group) / (std_group + 1e-4) on every masked token, Bessel.

    `step_ends` [B,T] is 1 on the last token of each step; what a step earned is the sum of its tokens' rewards. The last
    masked token closes a step in any case.
    """
    inside = mask.bool() & returns(token_rewards, mask).isfinite().unsqueeze(-1)
    ends = (step_ends > 0) & inside | _last(inside)
    earned = torch.where(inside, token_rewards, 0.0).cumsum(-1)
    before = _before(earned, ends)
    steps = torch.where(ends, earned - before, torch.nan)
    pooled = groups.unsqueeze(-1).expand_as(steps)[ends]
    normal = torch.zeros_like(token_rewards)
    if bool(ends.any()):
        normal[ends] = _normalised(steps[ends], pooled)
    to_come = normal.flip(-1).cumsum(-1).flip(-1)
    if center_by_steps and bool(ends.any()):
        mean = group_sum(to_come[ends], pooled) / group_count(to_come[ends], pooled)
        to_come = to_come - _of_rows(mean, pooled, groups).unsqueeze(-1)
    return torch.where(inside, to_come, 0.0)


def _last(inside: Tensor) -> Tensor:
    """True at the last True of each row."""
    return inside & (inside.flip(-1).cumsum(-1).flip(-1) == 1)


def _before(earned: Tensor, ends: Tensor) -> Tensor:
    """For each place, the running sum at the end of the step before it."""
    positions = torch.arange(ends.shape[-1], device=ends.device).expand_as(ends)
    marked = torch.where(ends, positions + 1, 0).cummax(-1).values.roll(1, -1)
    marked[:, 0] = 0
    return torch.cat([torch.zeros_like(earned[:, :1]), earned], -1).gather(-1, marked)


def _normalised(values: Tensor, groups: Tensor) -> Tensor:
    """(x − mean) / (std + 1e-4) within each group; of one value 0."""
    count = group_count(values, groups)
    difference = values - group_sum(values, groups) / count
    deviation = (group_sum(difference.square(), groups) / (count - 1).clamp(min=1)).sqrt()
    return difference / (deviation + EPSILON)


def _of_rows(values: Tensor, pooled: Tensor, groups: Tensor) -> Tensor:
    """The value of each row's group [B], given with its group's number [n]; 0 for a group without one."""
    same = groups.unsqueeze(-1) == pooled
    return torch.where(same.any(-1), values[same.int().argmax(-1)], 0.0)
