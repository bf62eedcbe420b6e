"""DPO on rankings (arXiv 2305.18290, appendix A.3): the policy's implicit rewards drew the whole ranking, best first."""

from torch import Tensor

from workers.engine.group_preference import Options
from workers.engine.reward_models import plackett_luce


def term(log_ratios: Tensor, ranks: Tensor, options: Options) -> Tensor:
    """`reward_models.plackett_luce` of scores βh. Raises ValueError for a tie of more than it can take."""
    return plackett_luce.terms(options.beta * log_ratios, ranks, top=options.top)
