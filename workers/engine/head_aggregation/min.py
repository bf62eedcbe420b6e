"""The lowest of the heads' scores: what the most doubtful head grants (worst-case optimisation, arXiv 2310.02743)."""

from torch import Tensor


def aggregate(scores: Tensor, caution: float) -> Tensor:
    """Scores [B,E] to [B]."""
    return scores.amin(-1)
