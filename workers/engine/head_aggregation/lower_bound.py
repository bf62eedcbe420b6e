"""The mean less `caution` deviations: answers on which the heads disagree earn less (uncertainty-weighted, survey §7)."""

from torch import Tensor


def aggregate(scores: Tensor, caution: float) -> Tensor:
    """Scores [B,E] to [B]; the deviation is divided by E, so that one head gives its own score."""
    return scores.mean(-1) - caution * scores.std(-1, correction=0)
