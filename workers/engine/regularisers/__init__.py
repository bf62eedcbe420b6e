"""Regularisers: estimators of KL(π‖π_ref) per token, from the log-probs of the tokens that were sampled.

Every member has `divergence(policy_logprobs, ref_logprobs) -> Tensor`, elementwise over any shape, differentiable in
the first argument and never in the second. With d = log π_ref − log π: k1 = −d, k2 = d²/2, k3 = e^d − d − 1, and
`k3_plus`, which has k3's value and k2's gradient. Used as a loss term (`reduce(loss + β·k)`) the gradient counts;
used in the reward (r_t −= β·k1) only the value does, and the caller detaches it.

| member | value unbiased under y ~ π | gradient of its mean is that of the KL |
|---|---|---|
| k1 | yes | no: its expectation is 0 |
| k2 | no, but close for small d | yes |
| k3 | yes, and never negative | no: it is that of KL(π_ref‖π) |
| k3_plus | yes | yes |

The KL over the whole vocabulary (`kl_estimator` full, see `divergences`) has value and gradient exactly, at a price. Taken from
the reward, k1 has the gradient of the KL after all: there it weighs ∇log π.

Source: J. Schulman, "Approximating KL divergence" (joschu.net/blog/kl-approx.html). To add one, add a file.
"""

from typing import Protocol, cast

from torch import Tensor

from workers.engine import members


class Divergence(Protocol):
    def __call__(self, policy_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor: ...


def divergence(name: str) -> Divergence:
    """The estimator called `name`. Raises LookupError."""
    return cast(Divergence, members.load(__name__, name).divergence)
