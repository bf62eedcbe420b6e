"""Policy losses: log-probs, old log-probs, advantages and mask, all [B,T], to per-token terms (B sequences, T tokens).

Every member has `terms(policy_logprobs, old_logprobs, advantages, mask, options) -> PolicyTerms`; a reducer makes the
scalar. The gradient reaches `policy_logprobs` alone. `LEVELS` says at which levels its ratio can be taken. Any advantage
and any reduction works with any member. To add one, add a file.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, cast

from torch import Tensor

from workers.engine import members

Level = Literal["token", "sequence", "answer"]


@dataclass(frozen=True)
class PolicyOptions:
    """What the members may be told; each reads what it knows.

    epsilon: how far the ratio may fall below 1, and rise above it unless `epsilon_high` says how far. delta: largest ratio
    that counts where A < 0. level: of what the ratio is taken. weight_cap: largest ratio as a weight without gradient.
    """

    epsilon: float = 0.2
    epsilon_high: float | None = None
    delta: float | None = None
    level: Level = "token"
    weight_cap: float = 5.0

    @property
    def rise(self) -> float:
        """How far the ratio may rise above 1."""
        return self.epsilon if self.epsilon_high is None else self.epsilon_high


PLAIN = PolicyOptions()


@dataclass(frozen=True)
class PolicyTerms:
    """Per-token results, all [B,T]. `terms` carries the gradient; the others are for curves and are detached.

    `ratio` is the importance ratio used; `low_clipped` and `high_clipped` are true where the clip cut the gradient.
    """

    terms: Tensor
    ratio: Tensor
    low_clipped: Tensor
    high_clipped: Tensor


class PolicyLoss(Protocol):
    def __call__(
        self, policy_logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor,
        options: PolicyOptions = PLAIN,
    ) -> PolicyTerms: ...


def policy_loss(name: str) -> PolicyLoss:
    """The policy loss called `name`. Raises LookupError."""
    return cast(PolicyLoss, members.load(__name__, name).terms)


def levels(name: str) -> tuple[Level, ...]:
    """Levels at which the policy loss called `name` takes its ratio. Raises LookupError."""
    return cast("tuple[Level, ...]", members.load(__name__, name).LEVELS)
