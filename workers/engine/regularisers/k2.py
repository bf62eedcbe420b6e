"""k2: half the squared log-ratio; as a loss its expected gradient is exactly that of KL(π‖π_ref)."""

from torch import Tensor


def divergence(policy_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """(log π − log π_ref)² / 2, elementwise; ≥ 0."""
    return (policy_logprobs - ref_logprobs.detach()).square() / 2
