"""AOT (arXiv 2406.05882): the policy's preferences dominate the reference's as a distribution, not pair by pair.

The pairs' log-prob differences S_w − S_l are sorted, those of the policy and of the reference each by themselves, and
subtracted rank by rank: the batch is what is compared, so that it must not be cut. One pair alone is DPO.
"""

from torch import Tensor

from workers.engine.data.pairs import sides
from workers.engine.preference import Answers, Options, sigmoid


def contrast(answers: Answers, options: Options) -> Tensor:
    """sort(S_w − S_l) − sort(the reference's) [P], by rank."""
    policy, reference = ((chosen - rejected).sort().values for chosen, rejected in
                         (sides(answers.policy), sides(answers.reference)))
    return policy - reference


link = sigmoid.link
