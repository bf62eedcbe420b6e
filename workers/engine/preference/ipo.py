"""IPO (arXiv 2310.12036, eq. 17): the difference is drawn to 1/(2β) and not beyond, so that sure pairs stop pulling.

Log-ratios are means over the answer's tokens, as the authors confirmed to TRL; plain sums would weigh by length.
"""

from torch import Tensor

from workers.engine.preference import Options, mean_difference

contrast = mean_difference


def link(contrast: Tensor, options: Options) -> Tensor:
    """(Δ − 1/(2β))²."""
    return (contrast - 1 / (2 * options.beta)).square()
