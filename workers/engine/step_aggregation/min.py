"""The lowest score: an answer is as good as its worst step (arXiv 2305.20050)."""

from torch import Tensor


def aggregate(scores: Tensor) -> Tensor:
    """Scores [n], n ≥ 1, to a scalar."""
    return scores.amin()
