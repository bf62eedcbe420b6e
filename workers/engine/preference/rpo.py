"""Reward-aware preference optimisation (Nemotron-4, arXiv 2406.11704, §3.3.2): how much better, not only which.

The policy's preference q = σ(βΔ) is drawn to p = σ(η·gap), the gap being how much higher an outside reward puts the chosen
answer: KL(p ‖ q), 0 where βΔ = η·gap. An endless gap is DPO.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.engine.preference import Answers, Options, pair_difference


def contrast(answers: Answers, options: Options) -> Tensor:
    """(Δ, η·gap) [P,2]."""
    difference = pair_difference(answers, options)
    return torch.stack([difference, (options.eta * torch.as_tensor(answers.gap)).to(difference).expand_as(difference)], dim=-1)


def link(contrast: Tensor, options: Options) -> Tensor:
    """p·log(p/q) + (1−p)·log((1−p)/(1−q))."""
    difference, gap = contrast.unbind(-1)
    difference, target = options.beta * difference, gap.sigmoid()
    return (target * (F.logsigmoid(gap) - F.logsigmoid(difference))
            + (1 - target) * (F.logsigmoid(-gap) - F.logsigmoid(-difference)))
