"""APO down (arXiv 2408.06266, eq. 8): for chosen answers worse than what the policy writes; both fall, rejected ones more."""

from torch import Tensor

from workers.engine.preference import Options, both_sides

contrast = both_sides


def link(contrast: Tensor, options: Options) -> Tensor:
    """σ(c) + 1 − σ(c − r)."""
    chosen, rejected = (options.beta * side for side in contrast.unbind(-1))
    return chosen.sigmoid() + 1 - (chosen - rejected).sigmoid()
