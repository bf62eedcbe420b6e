"""SPPO with hard labels (arXiv 2405.00675, eq. 4.7, P = 1 for the winner): both log-ratios are drawn to ±1/(2β)."""

from torch import Tensor

from workers.engine.preference import Options, both_sides

contrast = both_sides


def link(contrast: Tensor, options: Options) -> Tensor:
    """(h_w − 1/(2β))² + (h_l + 1/(2β))²."""
    chosen, rejected = contrast.unbind(-1)
    return (chosen - 0.5 / options.beta).square() + (rejected + 0.5 / options.beta).square()
