"""Token weights: what each token of an answer counts in the answer's score, the same for policy and reference.

Every member has

    weigh(mask: Tensor, options: Options) -> Weighting

with `mask` [N,T] True on answers' tokens. Weights are 0 off the mask. Of pairs the chosen side comes first
(see `pairs.sides`). To add one, add a file.

| member | weight of a token |
|---|---|
| uniform | 1: scores are sums |
| length_mean | 1/T: scores are means over the answer's tokens |
| ld | 1 up to the shorter side's length, α beyond (LD-DPO) |
"""

from dataclasses import dataclass
from typing import Protocol, cast

from torch import Tensor

from workers.engine import members


@dataclass(frozen=True)
class Options:
    """`alpha` is the weight of the tokens that the longer side has more (`ld`)."""

    alpha: float = 0.5


@dataclass(frozen=True)
class Weighting:
    """tokens [N,T] the weights; lengths [N] what divides a weighted sum into a mean over tokens."""

    tokens: Tensor
    lengths: Tensor


class Member(Protocol):
    def weigh(self, mask: Tensor, options: Options) -> Weighting: ...


def weigh(name: str, mask: Tensor, options: Options) -> Weighting:
    """The weights of the member `name`. Raises LookupError."""
    return cast(Member, members.load(__name__, name)).weigh(mask, options)
