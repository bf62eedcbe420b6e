"""The adaptive KL coefficient (arXiv 1909.08593, §2.2, as TRL, verl and OpenRLHF have it).

    β ← β·(1 + clip(KL/target − 1, ±0.2)·n/horizon)

`horizon` is the number of answers over which a full error changes β by a fifth. The KL may be negative by chance: it is a
mean of sampled log-ratios; the clip bounds what that does.
"""

STRAY = 0.2


def adapted(beta: float, kl: float, *, target: float, samples: int, horizon: int) -> float:
    """β after a step of `samples` answers whose mean KL was `kl`; β where that is not a number."""
    if kl != kl:  # noqa: PLR0124 - NaN differs from itself
        return beta
    error = min(max(kl / target - 1, -STRAY), STRAY)
    return beta * (1 + error * samples / horizon)
