"""Head aggregation: the scores that an ensemble's heads give an answer as one number.

Every member has `aggregate(scores: Tensor, caution: float) -> Tensor`: [B,E], E ≥ 1, to [B]. All are the identity for E = 1.
Survey §7, `rm-ensemble`; arXiv 2310.02743. To add one, add a file.
"""

from typing import Protocol, cast

from torch import Tensor

from workers.engine import members


class Aggregate(Protocol):
    def __call__(self, scores: Tensor, caution: float) -> Tensor: ...


def aggregation(name: str) -> Aggregate:
    """The aggregation called `name`. Raises LookupError."""
    return cast(Aggregate, members.load(__name__, name).aggregate)


def disagreement(scores: Tensor) -> Tensor:
    """How far the heads' scores [B,E] of an answer lie apart: their deviation [B], divided by E; 0 for one head."""
    return scores.std(-1, correction=0)
