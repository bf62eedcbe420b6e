"""A mean over everything seen so far that survives a restart."""

from typing import Any

from torch import Tensor


class RunningMean:
    """0 before the first number; a `composition.Stateful`."""

    def __init__(self) -> None:
        self.mean, self._count = 0.0, 0

    def add(self, mean: float, count: int) -> None:
        """Takes in `count` more numbers by their mean."""
        self._count += count
        self.mean += (mean - self.mean) * count / self._count

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {"mean": self.mean, "count": self._count}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self.mean, self._count = values["mean"], values["count"]
