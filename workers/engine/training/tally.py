"""Tally: the metrics of one turn, averaged with their own weights over micro-batches, never over padding."""

import torch
from torch import Tensor

Number = Tensor | float | int


class Tally:
    """Collects numbers without waiting for the device; `values()` reads them all at once."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Number, Number]] = {}
        self._extremes: dict[str, tuple[bool, Number]] = {}
        self._totals: dict[str, Number] = {}
        self._last: dict[str, Number] = {}

    def mean(self, name: str, value: Number, weight: Number = 1.0) -> None:
        """Adds to a weighted mean: Σ value·weight / Σ weight over all calls.

        With a mask or weight tensor of the value's shape both are summed over every entry; entries of weight 0
        never count, whatever they hold.
        """
        if isinstance(value, Tensor):
            value = value.detach().float()
        if isinstance(weight, Tensor):
            weight = weight.detach().float()
        if isinstance(value, Tensor) and isinstance(weight, Tensor):
            top: Number = torch.where(weight == 0, 0.0, value * weight).sum()
            bottom: Number = weight.expand_as(value).sum()
        elif isinstance(value, Tensor):
            top, bottom = value.sum() * weight, value.numel() * float(weight)
        else:
            top, bottom = value * weight, weight
        old_top, old_bottom = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = (old_top + top, old_bottom + bottom)

    def sum(self, name: str, value: Number) -> None:
        """Adds to a plain sum, such as a loss whose parts are already divided by global counts."""
        self._totals[name] = self._totals.get(name, 0.0) + (value.detach() if isinstance(value, Tensor) else value)

    def lowest(self, name: str, value: Number) -> None:
        self._extreme(name, value, highest=False)

    def highest(self, name: str, value: Number) -> None:
        self._extreme(name, value, highest=True)

    def put(self, name: str, value: Number) -> None:
        """Keeps the last value."""
        self._last[name] = value

    def add(self, other: "Tally") -> None:
        """Takes in everything that `other` collected, as if it had been told here after what stands here."""
        for name, (top, bottom) in other._sums.items():
            held_top, held_bottom = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = (held_top + top, held_bottom + bottom)
        for name, (highest, value) in other._extremes.items():
            self._extreme(name, value, highest=highest)
        for name, value in other._totals.items():
            self.sum(name, value)
        self._last |= other._last

    def plain(self) -> "Tally":
        """A copy without tensors, to be sent to another process."""
        found = Tally()
        found._sums = {name: (float(top), float(bottom)) for name, (top, bottom) in self._sums.items()}
        found._extremes = {name: (highest, float(value)) for name, (highest, value) in self._extremes.items()}
        found._totals = {name: float(value) for name, value in self._totals.items()}
        found._last = {name: float(value) for name, value in self._last.items()}
        return found

    def values(self) -> dict[str, float]:
        """Every metric as a float; a mean over nothing is left out."""
        found = {name: float(value) for name, value in (self._totals | self._last).items()}
        found |= {name: float(value) for name, (_, value) in self._extremes.items()}
        for name, (top, bottom) in self._sums.items():
            if float(bottom) != 0.0:
                found[name] = float(top) / float(bottom)
        return found

    def _extreme(self, name: str, value: Number, *, highest: bool) -> None:
        if isinstance(value, Tensor):
            if value.numel() == 0:
                return
            value = value.detach().max() if highest else value.detach().min()
        held = self._extremes.get(name)
        if held is None or (value > held[1]) == highest:
            self._extremes[name] = (highest, value)
