"""IPO (arXiv 2310.12036, eq. 17): the difference is drawn to 1/(2β) and not beyond, so that sure pairs stop pulling.

Log-ratios are means over the answer's tokens, as the authors confirmed to TRL; plain sums would weigh by length.
"""

from torch import Tensor

from workers.engine.pairs import sides
from workers.engine.preference import Answers, Options


def contrast(answers: Answers, options: Options) -> Tensor:
    """h_w/T_w − h_l/T_l of every pair [P]."""
    chosen, rejected = sides(answers.log_ratio / answers.lengths.clamp(min=1))
    return chosen - rejected


def link(contrast: Tensor, options: Options) -> Tensor:
    """(Δ − 1/(2β))²."""
    return (contrast - 1 / (2 * options.beta)).square()
