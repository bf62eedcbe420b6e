"""Bi-factorial preference optimisation (arXiv 2408.15313): helpfulness from the order of a pair, safety from its labels.

Δ is drawn to (1.5·I_w − 0.5·I_l − α)/β, I being 1 for a safe answer: at α = ½ that is 1/β for a safe answer over an unsafe
one, −1/β for the other way round, ½/β where both are safe (IPO's own target) and −½/β where neither is. Log-ratios are sums.
"""

import torch
from torch import Tensor

from workers.engine.data.pairs import sides
from workers.engine.preference import Answers, Options, pair_difference


def contrast(answers: Answers, options: Options) -> Tensor:
    """(Δ, β times its target) [P,2]. Raises ValueError when the answers bear no safety labels."""
    if answers.safe is None:
        raise ValueError("The pairs bear no safety labels.")
    chosen, rejected = sides(answers.safe)
    difference = pair_difference(answers, options)
    return torch.stack([difference, (1.5 * chosen - 0.5 * rejected - options.safety_shift).to(difference)], dim=-1)


def link(contrast: Tensor, options: Options) -> Tensor:
    """(Δ − target/β)²."""
    difference, target = contrast.unbind(-1)
    return (difference - target / options.beta).square()
