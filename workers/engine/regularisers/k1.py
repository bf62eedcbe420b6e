"""k1: the plain log-ratio, unbiased, of either sign, and with an expected gradient of zero as a loss."""

from torch import Tensor


def divergence(policy_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """log π − log π_ref, elementwise."""
    return policy_logprobs - ref_logprobs.detach()
