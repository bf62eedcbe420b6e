"""A data set as an endless sequence: shuffled anew for each epoch from the seed alone, its position a few integers."""

from collections.abc import Iterator

import torch

from workers.contract.run_spec import DatasetRef
from workers.engine.composition import Render
from workers.engine.data.rows import Rows
from workers.engine.faults import DataFault
from workers.engine.sample import Sample


class RowStream:
    """Samples of the split in shuffled order, rendered when first met and remembered.

    Position: `epoch`, `index` in that epoch's order, `inner` among the samples of the row standing there.
    """

    def __init__(self, ref: DatasetRef, render: Render, seed: int) -> None:
        self._rows = Rows(ref)
        self._render = render
        self._seed = seed
        self._rendered: dict[int, list[Sample]] = {}
        self._order = torch.empty(0, dtype=torch.int64)
        self._order_epoch = -1
        self._position = (0, 0, 0)
        self._empty, self._told = 0, 0
        self.rows = self._rows.count

    @property
    def epoch(self) -> float:
        """Epochs finished and the fraction of the present one."""
        epoch, index, _ = self._position
        return epoch + index / self.rows

    def take(self, count: int) -> list[Sample]:
        """The next `count` samples; a new epoch begins where one ends."""
        return [self._next() for _ in range(count)]

    def take_tokens(self, budget: int) -> list[Sample]:
        """As many next samples as fit into `budget` tokens, at least one."""
        taken = [self._next()]
        used = len(taken[0])
        while True:
            before = self._position
            sample = self._next()
            used += len(sample)
            if used > budget:
                self._position = before
                return taken
            taken.append(sample)

    def all(self) -> Iterator[Sample]:
        """Every sample once, in file order."""
        for row in range(self.rows):
            yield from self._samples(row)

    def news(self) -> str | None:
        """How many of the rows met gave no sample, when that has doubled since it was last told."""
        if self._empty < max(1, 2 * self._told):
            return None
        self._told = self._empty
        return (f"Left out so far: {self._empty} of {len(self._rendered)} rows, which leave nothing to train on within the "
                "maximum length: too long a prompt, no answer, or nothing in it that is trained.")

    def state(self) -> list[int]:
        return list(self._position)

    def restore(self, state: list[int]) -> None:
        epoch, index, inner = state
        self._position = (epoch, index, inner)

    def _next(self) -> Sample:
        for _ in range(2 * self.rows + 1):
            epoch, index, inner = self._position
            if index >= self.rows:
                self._position = (epoch + 1, 0, 0)
                continue
            samples = self._samples(self._row(epoch, index))
            if inner < len(samples):
                self._position = (epoch, index, inner + 1)
                return samples[inner]
            self._position = (epoch, index + 1, 0)
        raise DataFault("No row of the data set gives anything to train on.",
                        "Check that the answers are not empty, that those of a pair differ, that the columns the method asks for "
                        "are there, and that the maximum length leaves room for them.")

    def _row(self, epoch: int, index: int) -> int:
        if self._order_epoch != epoch:
            generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._order, self._order_epoch = torch.randperm(self.rows, generator=generator), epoch
        return int(self._order[index])

    def _samples(self, row: int) -> list[Sample]:
        if row not in self._rendered:
            self._rendered[row] = self._render(self._rows[row], row)
            self._empty += not self._rendered[row]
        return self._rendered[row]
