"""Binary cross-entropy: σ(r) is the chance that an answer, or a step, is right.

L = −y·log σ(r) − (1 − y)·log σ(−r). The label y may be soft: the share of continuations from a step that came out right, or the
chance that a judge gives. It is the cross-entropy over two classes whose logits differ by r. Survey §3.1.3 and §3.1.4.
"""

from torch import Tensor
from torch.nn import functional as F


def terms(scores: Tensor, labels: Tensor) -> Tensor:
    """One loss for each of `scores` and `labels` (in [0, 1]), of one shape, gradients in the scores alone."""
    return -labels * F.logsigmoid(scores) - (1 - labels) * F.logsigmoid(-scores)
