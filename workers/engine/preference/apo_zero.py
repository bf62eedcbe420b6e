"""APO zero (arXiv 2408.06266, eq. 7): for chosen answers better than what the policy writes; they rise, rejected ones fall."""

from torch import Tensor

from workers.engine.preference import Options, both_sides

contrast = both_sides


def link(contrast: Tensor, options: Options) -> Tensor:
    """1 − σ(c) + σ(r)."""
    chosen, rejected = (options.beta * side for side in contrast.unbind(-1))
    return 1 - chosen.sigmoid() + rejected.sigmoid()
