"""REINFORCE++'s estimator (arXiv 2501.03262): rewards to go, whitened over all tokens of the batch."""

from torch import Tensor

from workers.engine.advantages import whiten
from workers.engine.advantages._baselines import to_go
from workers.engine.credit import returns

OPTIONS = ("gamma",)


def advantages(token_rewards: Tensor, mask: Tensor, groups: Tensor, *, gamma: float = 1.0) -> Tensor:
    """(Σ_{s≥t} γ^{s−t} r_s − mean) / sqrt(var + 1e-8) over every finite masked token of the batch (Bessel); no group is used."""
    known = returns(token_rewards, mask).isfinite().unsqueeze(-1)
    return whiten(to_go(token_rewards, mask, gamma=gamma), mask.bool() & known)
