"""Points of a curve as columns, and how a chunk of them lies in the database.

A packed chunk of n points is zstd over four little-endian arrays of n: steps and tokens (int64, each value less the one
before it, so that counters shrink to almost nothing), times (float64, Unix seconds) and values (float64).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WIDTH = 32
"""Bytes of one point before compression."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Points with strictly rising steps; all four arrays have one length. A value that was not finite is NaN."""

    steps: Ints
    times: Floats
    tokens: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, where: Any) -> "Columns":
        """The points a numpy index or slice picks."""
        return Columns(self.steps[where], self.times[where], self.tokens[where], self.values[where])

    def up_to(self, step: float) -> "Columns":
        """The points before `step`."""
        return self.part(slice(0, int(np.searchsorted(self.steps, step, side="left"))))


def columns(points: Iterable[tuple[int, float, int, float | None]]) -> Columns:
    """Columns of (step, time, tokens, value) rows; of rows with one step the last stays, steps that fall are left out."""
    kept: dict[int, tuple[int, float, int, float]] = {}
    newest = -1
    for step, time, tokens, value in points:
        if step >= newest:
            kept[step] = (step, time, tokens, np.nan if value is None else value)
            newest = step
    steps, times, counts, values = zip(*kept.values(), strict=True) if kept else ((), (), (), ())
    return Columns(
        np.array(steps, dtype=np.int64), np.array(times, dtype=np.float64),
        np.array(counts, dtype=np.int64), np.array(values, dtype=np.float64),
    )


def joined(parts: list[Columns]) -> Columns:
    """The parts one after the other; the caller sees to it that steps rise across them."""
    if len(parts) == 1:
        return parts[0]
    return Columns(
        np.concatenate([part.steps for part in parts] or [np.empty(0, np.int64)]),
        np.concatenate([part.times for part in parts] or [np.empty(0)]),
        np.concatenate([part.tokens for part in parts] or [np.empty(0, np.int64)]),
        np.concatenate([part.values for part in parts] or [np.empty(0)]),
    )


def pack(points: Columns) -> bytes:
    rows = (
        _deltas(points.steps), _deltas(points.tokens), points.times.astype("<f8"), points.values.astype("<f8"),
    )
    return zstandard.ZstdCompressor(level=1).compress(b"".join(row.tobytes() for row in rows))


def _deltas(values: Ints) -> Ints:
    deltas = values.astype("<i8")
    deltas[1:] -= values[:-1]
    return deltas


def unpack(chunks: Iterable[tuple[int, bytes]]) -> Columns:
    """The points of packed chunks, given as (count, data), one after the other."""
    decompressor = zstandard.ZstdDecompressor()
    counts, raws = [], []
    for count, data in chunks:
        counts.append(count)
        raws.append(decompressor.decompress(data, max_output_size=count * WIDTH))
    parts = [_unpacked(count, raw) for count, raw in zip(counts, raws, strict=True)]
    return joined(parts)


def _unpacked(count: int, raw: bytes) -> Columns:
    deltas = np.frombuffer(raw, dtype="<i8", count=2 * count).reshape(2, count)
    floats = np.frombuffer(raw, dtype="<f8", offset=16 * count).reshape(2, count)
    steps, tokens = np.cumsum(deltas, axis=1, dtype=np.int64)
    return Columns(steps, floats[0], tokens, floats[1])
