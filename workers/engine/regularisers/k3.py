"""k3: the estimator of the GRPO paper (arXiv 2402.03300, eq. 4): unbiased and never negative."""

from torch import Tensor

BOUND = 20.0
"""d is clamped to ±20 before the exponential (as verl does): e^20 is large enough to be seen and stays finite."""


def divergence(policy_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """e^d − d − 1 with d = log π_ref − log π, elementwise; ≥ 0. Outside ±20 it is constant."""
    d = (ref_logprobs.detach() - policy_logprobs).clamp(-BOUND, BOUND)
    return d.exp() - d - 1
