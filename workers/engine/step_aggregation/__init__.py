"""Step aggregation: what a process reward model says of an answer's steps as one number for the answer.

Every member has `aggregate(scores: Tensor) -> Tensor`: the chances [n] in (0, 1), n ≥ 1, that the steps are right, in order,
to a scalar. One step gives itself (its log-odds under `logit_sum`); `prod` is at most `min`. Survey §3.1.4 and §5.9,
`prm-agg`. To add one, add a file.
"""

from typing import Protocol, cast

from torch import Tensor

from workers.engine import members


class Aggregate(Protocol):
    def __call__(self, scores: Tensor) -> Tensor: ...


def aggregation(name: str) -> Aggregate:
    """The aggregation called `name`. Raises LookupError."""
    return cast(Aggregate, members.load(__name__, name).aggregate)
