"""GMPO (arXiv 2507.20673, eq. 4): the geometric mean of an answer's token ratios, each clipped beforehand in log space.

The geometric mean feels a single extreme ratio far less than the arithmetic mean of GRPO, so that the clip may be wider: the
paper's is (e^−0.4, e^0.4). Unlike GSPO, which clips the mean, each token is clipped by itself.
"""

import torch
from torch import Tensor

from workers.engine.policy_losses import PLAIN, Level, PolicyOptions, PolicyTerms
from workers.engine.policy_losses._ratio import log_ratio

LEVELS: tuple[Level, ...] = ("sequence",)


def terms(
    policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, options: PolicyOptions = PLAIN
) -> PolicyTerms:
    """−A·s on each token of a row, s = exp(mean_t c_t) with its whole gradient; the mean over a row's tokens is −Ā·s.

    c = min(log ρ, ε_high) where A > 0 and max(log ρ, −ε) where A < 0: the pessimistic side, as in the surrogate of PPO.
    """
    plain = log_ratio(policy_logprobs, old_logprobs, mask, "token")
    bound = torch.where(advantages > 0, plain.clamp(max=options.rise), plain.clamp(min=-options.epsilon))
    mean = torch.where(mask.bool(), bound, 0.0).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    ratio, seen, inside = mean.exp().expand_as(plain), plain.detach(), mask.bool()
    return PolicyTerms(-ratio * advantages, ratio.detach(), low_clipped=(seen < -options.epsilon) & (advantages < 0) & inside,
                       high_clipped=(seen > options.rise) & (advantages > 0) & inside)
