"""A reference that follows the policy (TR-DPO, arXiv 2404.09656): every n steps it becomes a mixture of both.

π_ref ← α·π_θ + (1 − α)·π_ref in the weights; α = 1 is the paper's hard update. Names follow TRL's. Whatever was computed with
the old reference is forgotten.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.engine.composition import ModelView, Turn


class MovingReference:
    """Mixes the policy's weights into the reference's; a `composition.Stateful` that keeps the reference once it has moved."""

    def __init__(self, alpha: float, forget: Callable[[], None]) -> None:
        self._alpha = alpha
        self._forget = forget
        self._moved: dict[str, Tensor] = {}
        self._stale = False

    def settle(self, reference: ModelView) -> None:
        """After a restart: gives the reference the weights that it had at the checkpoint. Call before it is asked."""
        if not self._stale:
            return
        own = dict(reference.module.named_parameters())
        with torch.no_grad():
            for name, kept in self._moved.items():
                own[name].copy_(kept)
        self._moved, self._stale = {name: own[name].detach() for name in self._moved}, False

    @torch.no_grad()
    def mix(self, turn: Turn) -> None:
        """One synchronisation."""
        own = dict(turn.models["reference"].module.named_parameters())
        with turn.models["policy"].generating() as policy:
            for name, weights in policy.named_parameters():
                own[name].mul_(1 - self._alpha).add_(weights.to(own[name]), alpha=self._alpha)
        self._moved = {name: weights.detach() for name, weights in own.items()}
        self._forget()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {name: weights.cpu().clone() for name, weights in self._moved.items()}, {}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self._moved, self._stale = tensors, bool(tensors)
