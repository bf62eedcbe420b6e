"""The product of the scores: the chance that all steps are right, each on its own (arXiv 2305.20050)."""

from torch import Tensor


def aggregate(scores: Tensor) -> Tensor:
    """Scores [n], n ≥ 1, to a scalar."""
    return scores.prod()
