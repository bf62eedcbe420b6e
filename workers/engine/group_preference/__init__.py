"""Preferences between several answers to one prompt: log-ratios and ranks of the answers → one loss for the prompt.

Every member has

    term(log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor

with the answers' h = log π − log π_ref [n], gradients in them, their ranks [n], the lowest being best, and a scalar as answer.
Those that compare two groups take the answers of rank 1 for the better one and all others for the worse: `two_groups` makes such
ranks. With D = mean of the better group's h − mean of the worse group's:

| member | loss |
|---|---|
| mdpo | −log σ(βD) |
| mipo | (D − 1/(2β))², less the groups' variances of their means where debiased |
| plackett_luce | the whole ranking's likelihood with scores βh |

A group of one answer each is DPO, IPO and DPO. To add one, add a file.
"""

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor

from workers.engine import members


@dataclass(frozen=True)
class Options:
    """`beta` is the strength of the tie to the reference; `debias` takes off the finite groups' bias (`mipo`); `top` counts the
    first choices of a ranking alone, 0 all (`plackett_luce`)."""

    beta: float
    debias: bool = True
    top: int = 0


class Member(Protocol):
    def term(self, log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor: ...


def term(name: str, log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor:
    """The loss of one prompt by the member `name`. Raises LookupError."""
    return cast(Member, members.load(__name__, name)).term(log_ratios, ranks, options)


def split(log_ratios: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """h of the better group and of the worse one."""
    return log_ratios[ranks == ranks.min()], log_ratios[ranks != ranks.min()]


def mean_gap(log_ratios: Tensor, ranks: Tensor) -> Tensor:
    """D, a scalar."""
    better, worse = split(log_ratios, ranks)
    return better.mean() - worse.mean()


def two_groups(ranks: Tensor, size: int) -> Tensor:
    """1 for the better group, 2 for the worse, 0 for an answer in neither, of `ranks` [n] with at least two different ones.

    Two ranks are two groups as they stand, whatever `size`. Else the best and the worst `size` answers, half of all where it is
    0, at most half; which of equal rank is in is their order. A rank that would stand in both groups leaves the worse one, or the
    better one where it is the lowest of all.
    """
    found = torch.zeros(len(ranks), dtype=torch.int64)
    kinds = ranks.unique()
    if len(kinds) == 2:
        return torch.where(ranks == kinds[0], 1, 2)
    count = min(size or len(ranks) // 2, len(ranks) // 2)
    order = ranks.sort(stable=True).indices
    found[order[:count]], found[order[-count:]] = 1, 2
    across = ranks[order[:count]].max()
    found[(ranks == across) & (found == (1 if across == ranks.max() else 2))] = 0
    return found
