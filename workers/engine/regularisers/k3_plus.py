"""k3+: the value of k3 with the gradient of k2, for those who want a loss whose gradient is the divergence's own."""

from torch import Tensor

from workers.engine.regularisers import k2, k3


def divergence(policy_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """k2 − sg[k2] + sg[k3], elementwise; ≥ 0."""
    slope = k2.divergence(policy_logprobs, ref_logprobs)
    return slope - slope.detach() + k3.divergence(policy_logprobs, ref_logprobs).detach()
