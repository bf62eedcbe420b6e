"""The hinge on the log-ratios' difference, as SLiC-HF has it (arXiv 2305.10425): nothing more to gain beyond βΔ = 1."""

from torch import Tensor

from workers.engine.preference import Options, pair_difference

contrast = pair_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """max(0, 1 − βΔ)."""
    return (1 - options.beta * contrast).relu()
