"""The last step's score: the whole answer as its last step leaves it (what search against a process model uses)."""

from torch import Tensor


def aggregate(scores: Tensor) -> Tensor:
    """Scores [n], n ≥ 1, to a scalar."""
    return scores[-1]
