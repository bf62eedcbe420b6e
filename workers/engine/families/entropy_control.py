"""Keeping the policy's entropy up: which tokens are trained on, and the bonus's weight steered to a target.

The bonus and its control are those of Skywork-OR1 (arXiv 2505.22312), the choice of tokens that of "Beyond the 80/20 Rule"
(arXiv 2506.01939); names follow TRL's. Legend: B answers, T tokens.
"""

from typing import Any

import torch
from torch import Tensor

from workers.engine.composition import Turn
from workers.engine.families.online_config import OnlineConfig


def high_entropy(entropy: Tensor, mask: Tensor, quantile: float) -> Tensor:
    """True [B,T] on the share `quantile` of the masked tokens whose entropy is highest, of those given; ties all stay."""
    inside = mask.bool()
    if quantile >= 1 or not bool(inside.any()):
        return inside
    return inside & (entropy.detach() >= entropy.detach()[inside].quantile(1 - quantile))


class EntropyControl:
    """Moves the bonus's weight by a fixed amount each step, up below the target; a `composition.Stateful`.

    The live field `entropy_coef` is what the losses of the next step take: the weight, or 0 while the entropy is above the
    target. The first step has none.
    """

    def __init__(self, config: OnlineConfig) -> None:
        self.weight = config.entropy_coef
        self._target, self._delta, self._most = config.entropy_target, config.entropy_coef_delta, config.entropy_coef_max

    def steer(self, turn: Turn) -> None:
        entropy = turn.tally.values().get("entropy")
        if entropy is not None:
            low = entropy <= self._target
            self.weight = min(max(self.weight + (self._delta if low else -self._delta), 0.0), self._most)
            turn.live["entropy_coef"] = self.weight if low else 0.0
        turn.tally.put("entropy_coef", turn.live["entropy_coef"])

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {"weight": self.weight}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self.weight = values["weight"]


def bonus(entropy: Tensor, trained: Tensor, tokens: float) -> Tensor:
    """Σ of the entropy over the `trained` tokens by the update's `tokens`: a micro-batch's share of the mean."""
    return torch.where(trained, entropy, 0.0).sum() / max(tokens, 1.0)
