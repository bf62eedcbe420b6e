"""The sum of the steps' log-odds, Σ log(s / (1 − s)): any number, and longer answers reach further either way."""

from torch import Tensor

CERTAIN = 1e-6
"""Scores are kept this far from 0 and 1, whose log-odds have no bound."""


def aggregate(scores: Tensor) -> Tensor:
    """Scores [n], n ≥ 1, to a scalar; at most 13.8 a step."""
    return scores.clamp(CERTAIN, 1 - CERTAIN).logit().sum()
