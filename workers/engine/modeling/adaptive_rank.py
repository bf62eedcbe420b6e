"""AdaLoRA's allocation of ranks (arXiv 2303.10512): which triplets of P·Λ·Q each matrix keeps, as the budget falls.

Each triplet (a row of A, an element of E, a column of B) is scored by how much its weights matter to the loss, smoothed,
times how unsure that is; after each step the E of all but the best `b(t)` triplets is set to zero. peft has the layers; its
own allocator forgets its averages at a restart and cannot hold a constant budget, so the allocation stands here.

Legend: r rank of a matrix before any is dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workers.engine.faults import ConfigFault
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import TrainingConfig

BETA = 0.85
"""Memory of both averages."""


def budget(step: int, *, first: int, last: int, total: int, initial: int, final: int) -> int:
    """Triplets kept at a step: `first` for `initial` steps, then down along a cube to `last`, there for the `final` ones."""
    if step <= initial:
        return first
    if step > total - final:
        return last
    left = 1 - (step - initial) / (total - final - initial)
    return int((first - last) * left**3 + last)


def orthogonality(matrices: list[Tensor]) -> Tensor:
    """Mean over matrices [r,n] of ‖MMᵀ − I‖_F, scalar."""
    return torch.stack([torch.linalg.matrix_norm(m @ m.T - torch.eye(len(m), device=m.device)) for m in matrices]).mean()


def smoothed(weight: Tensor, gradient: Tensor, importance: Tensor, uncertainty: Tensor) -> tuple[Tensor, Tensor]:
    """Both averages after one step, shaped as `weight`: of |w·∇w|, and of its distance from its own average."""
    now = (weight * gradient).abs()
    importance = BETA * importance + (1 - BETA) * now
    return importance, BETA * uncertainty + (1 - BETA) * (now - importance).abs()


def kept(scores: list[Tensor], count: int) -> list[Tensor]:
    """Which of all triplets with scores [r] each are among the `count` best; of equal ones at the edge all fall, as in peft."""
    whole = torch.cat(scores)
    dropped = len(whole) - count
    if dropped <= 0:
        return [torch.ones_like(each, dtype=torch.bool) for each in scores]
    edge = whole.kthvalue(dropped).values
    return [each > edge for each in scores]


@dataclass
class _Part:
    """One trained tensor with its averages."""

    weight: nn.Parameter
    importance: Tensor
    uncertainty: Tensor

    def update(self) -> None:
        if self.weight.grad is not None:
            self.importance, self.uncertainty = smoothed(
                self.weight.detach(), self.weight.grad, self.importance, self.uncertainty)

    @property
    def score(self) -> Tensor:
        return self.importance * self.uncertainty


class AdaptiveRank:
    """Goes along with a role's optimizer; a `composition.UpdateHook`."""

    def __init__(self, module: Any, config: TrainingConfig, planned: int | None) -> None:
        """Raises ConfigFault where the run has no end that ranks could be planned towards."""
        if planned is None:
            raise ConfigFault("adapter adalora plans its ranks over the whole run, and this run has no planned end.",
                              "Set max_steps, or choose adapter lora.")
        self._config, self._planned = config, planned
        self._layers = {name: {part: _part(layer, part) for part in "AEB"} for name, layer in _layers(module)}
        self._kept = {name: torch.ones(len(parts["E"].weight), dtype=torch.bool, device=parts["E"].weight.device)
                      for name, parts in self._layers.items()}

    def term(self) -> Tensor | None:
        """The weighted orthogonality of every A and B."""
        if self._config.adalora_orth_weight == 0:
            return None
        pairs = [(parts["A"].weight, parts["B"].weight.T) for parts in self._layers.values()]
        return self._config.adalora_orth_weight * orthogonality([matrix for pair in pairs for matrix in pair])

    def stepped(self, step: int, tally: Tally) -> None:
        """Takes in the step's gradients and drops what falls out of its budget."""
        final = round(self._config.adalora_tfinal * self._planned)
        initial = round(self._config.adalora_tinit * self._planned)
        if step <= self._planned - final:
            for parts in self._layers.values():
                for part in parts.values():
                    part.update()
            due = step == self._planned - final or (step > initial and step % self._config.adalora_delta_t == 0)
            if due:
                self._choose(self._budget(step, initial=initial, final=final))
        with torch.no_grad():
            for name, parts in self._layers.items():
                parts["E"].weight.mul_(self._kept[name][:, None])
        tally.put("rank/total", float(sum(int(each.sum()) for each in self._kept.values())))

    def _budget(self, step: int, *, initial: int, final: int) -> int:
        config, count = self._config, len(self._layers)
        return budget(step, first=config.adalora_init_r * count, last=min(config.adalora_target_r, config.adalora_init_r) * count,
                      total=self._planned, initial=initial, final=final)

    def _choose(self, count: int) -> None:
        scores = [parts["E"].score.view(-1) + parts["A"].score.mean(1) + parts["B"].score.mean(0)
                  for parts in self._layers.values()]
        self._kept = dict(zip(self._layers, kept(scores, count), strict=True))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        held = {f"kept|{name}": mask for name, mask in self._kept.items()}
        for name, parts in self._layers.items():
            for letter, part in parts.items():
                held |= {f"importance|{name}|{letter}": part.importance, f"uncertainty|{name}|{letter}": part.uncertainty}
        return held, {}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        for name, parts in self._layers.items():
            device = parts["E"].weight.device
            self._kept[name] = tensors[f"kept|{name}"].to(device)
            for letter, part in parts.items():
                part.importance = tensors[f"importance|{name}|{letter}"].to(device)
                part.uncertainty = tensors[f"uncertainty|{name}|{letter}"].to(device)


def _layers(module: Any) -> Iterator[tuple[str, Any]]:
    return ((name, layer) for name, layer in module.named_modules() if hasattr(layer, "lora_E") and len(layer.lora_E))


def _part(layer: Any, letter: str) -> _Part:
    weight = next(iter(getattr(layer, f"lora_{letter}").values()))
    return _Part(weight, torch.zeros_like(weight), torch.zeros_like(weight))
