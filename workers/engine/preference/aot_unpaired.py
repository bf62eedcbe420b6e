"""AOT between all chosen and all rejected answers of the batch (arXiv 2406.05882): who is compared with whom is their rank.

The batch is what is compared, so that it must not be cut. One pair alone is DPO.
"""

from torch import Tensor

from workers.engine.data.pairs import sides
from workers.engine.preference import Answers, Options, sigmoid


def contrast(answers: Answers, options: Options) -> Tensor:
    """sort(h_w) − sort(h_l) [P], by rank."""
    chosen, rejected = (side.sort().values for side in sides(answers.log_ratio))
    return chosen - rejected


link = sigmoid.link
