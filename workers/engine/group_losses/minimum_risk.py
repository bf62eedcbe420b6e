"""Minimum risk over a set of candidates (MRT, arXiv 1512.02433, eq. 11).

    Q(y) = exp(α·S(y)) / Σ_{y'∈Y} exp(α·S(y')),   L = Σ_{y∈Y} Q(y)·Δ(y)

S is the sum of an answer's log-probs, Δ its risk. The gradient is α·Σ_y Q(y)·(Δ(y) − E_Q Δ)·∇S(y): REINFORCE with a baseline
of its own. α = 1 over all answers that exist is the expected risk itself; α = 0 the plain mean, which teaches nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Risk:
    """`terms` [B] are Q·Δ, whose sum over a group is its risk, with the gradient; `weights` [B] are Q, without."""

    terms: Tensor
    weights: Tensor


def risk(scores: Tensor, risks: Tensor, groups: Tensor, *, alpha: float) -> Risk:
    """Weighted risks of sequence scores [B] within their groups [B]. A row whose risk is not finite is no candidate: 0, 0."""
    known = risks.isfinite()
    _, index = groups.unique(return_inverse=True)
    sharpened = torch.where(known, alpha * scores, -torch.inf)
    size = int(index.max()) + 1 if len(index) else 0
    top = sharpened.detach().new_full((size,), -torch.inf).scatter_reduce(0, index, sharpened.detach(), "amax")
    top = torch.where(top.isfinite(), top, 0.0)
    mass = torch.where(known, (sharpened - top[index]).exp(), 0.0)
    total = mass.new_zeros(size).index_add(0, index, mass)
    weights = torch.where(known, mass / torch.where(total > 0, total, 1.0)[index], 0.0)
    # Any constant may be taken off a group's risks: with its least one, equal risks have a gradient of exactly 0, and no
    # optimizer makes steps of what is left by rounding.
    least = risks.new_full((size,), torch.inf).scatter_reduce(0, index, torch.where(known, risks, torch.inf), "amin")[index]
    least, above = (torch.where(known, each, 0.0).detach() for each in (least, risks - least))
    return Risk(weights * above + weights.detach() * least, weights.detach())


def effective(weights: Tensor, groups: Tensor) -> Tensor:
    """1/ΣQ² of each group with a candidate: how many of them carry the weight."""
    _, index = groups.unique(return_inverse=True)
    squares = weights.new_zeros(int(index.max()) + 1 if len(index) else 0).index_add(0, index, weights.square())
    return 1 / squares[squares > 0]
