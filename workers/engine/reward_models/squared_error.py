"""Squared error: the score is fitted to a grade that people or a judge gave, L = (r − y)². Its minimum is the mean grade."""

from torch import Tensor


def terms(scores: Tensor, grades: Tensor) -> Tensor:
    """One loss for each of `scores` and `grades`, of one shape."""
    return (scores - grades).square()
