"""How long a run will take on this machine as it is now: its own steps, evaluations and a checkpoint, timed in part.

A part grows fourfold from a sixteenth of the whole while the budget lasts; what was too large to try lies on the line
through the two largest that were. Loading and what other work will slow down later are not in it.
"""

import contextlib
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from workers.contract.preflight import MemoryEstimate
from workers.contract.run_spec import RunSpec
from workers.engine.composition import Composition
from workers.engine.faults import DiskFault
from workers.engine.method import config_of, method_of
from workers.engine.training.loop import Loop, rough_size
from workers.engine.training.training_config import TrainingConfig

PARTS = (16, 4, 1)
STEP_SECONDS = 1.0
EVALUATION_SECONDS = 0.5
"""Budgets: the form waits for them."""
REPEATS = 3
"""Times the largest part is taken when the budget allows; their median counts."""
WRITTEN_AT_ONCE = 64 * 2**20
DISK_BYTES_PER_SECOND = 200e6
"""A larger checkpoint is not written but reckoned with this rate, hashing included."""


@dataclass(frozen=True)
class Span:
    """Seconds of one step and of the whole run (None when it has no end of its own); `basis` says what was tried."""

    step: float
    total: float | None
    basis: str


@dataclass(frozen=True)
class Drawn:
    """Seconds of the whole, from what at most `tried` of its pieces took."""

    seconds: float
    tried: int


def measure(spec: RunSpec, loop: Loop, *, memory: MemoryEstimate | None) -> Span:
    """Takes steps, evaluations and a checkpoint of `loop`, which stands at its start and is of no use afterwards."""
    config, whole = loop.config, loop.composition
    size = _pieces(config)
    most = _roomy(size, memory)

    def step(count: int) -> float:
        loop.composition = _composed(spec, loop, _parted(config, count))
        return _seconds(loop.turn)

    def evaluation(rows: int) -> float:
        loop.composition = _composed(spec, loop, {"eval_limit": rows})
        return _seconds(loop.evaluate)

    each = drawn_out(step, size, budget=STEP_SECONDS, most=most)
    evaluations = _evaluations(loop.total, config.eval_steps) if whole.evaluations else 0
    held_out = min(config.eval_limit, loop.state.streams["eval"].rows) if evaluations else 0
    looked = drawn_out(evaluation, held_out, budget=EVALUATION_SECONDS, most=held_out).seconds if evaluations else 0.0
    total = None if loop.total is None else (
        loop.total * each.seconds + evaluations * looked + _saves(loop.total, config.save_steps) * _saving(loop))
    limit = spec.limits.max_wall_seconds
    return Span(each.seconds, total if total is None or limit is None else min(total, limit), _basis(each.tried, size))


def drawn_out(take: Callable[[int], float], whole: int, *, budget: float, most: int) -> Drawn:
    """Seconds of `whole` pieces. `take(count)` does so many and answers its seconds; the very first one warms up."""
    sizes = sorted({max(1, min(whole, most) // part) for part in PARTS})
    began = time.monotonic()
    first = take(sizes[0])
    if first > budget:
        return Drawn(_on_line({sizes[0]: first}, whole), sizes[0])
    found: dict[int, list[float]] = {}
    for size in sizes:
        # Two sizes are tried where one is quick: one alone cannot tell a step's own cost from that of its pieces.
        if len(found) > 1 and time.monotonic() - began + 2 * found[max(found)][0] > budget:
            break
        found[size] = [take(size)]
    largest = max(found)
    while len(found[largest]) < REPEATS and time.monotonic() - began + min(found[largest]) < budget:
        found[largest].append(take(largest))
    return Drawn(_on_line({size: statistics.median(times) for size, times in found.items()}, whole), largest)


def _on_line(found: dict[int, float], whole: int) -> float:
    """The seconds of `whole` on the line through the two largest sizes; in proportion where only one is known."""
    *before, largest = sorted(found)
    known = before[-1] if before else 0
    slope = max(0.0, found[largest] - found.get(known, 0.0)) / (largest - known)
    return found[largest] + slope * (whole - largest)


def _pieces(config: TrainingConfig) -> int:
    """Prompts or samples of one step."""
    prompts: int | None = getattr(config, "prompts_per_step", None)
    return prompts or config.per_device_train_batch_size * config.gradient_accumulation_steps


def _parted(config: TrainingConfig, count: int) -> dict[str, int]:
    """The fields that make a step of `count` prompts or samples."""
    if hasattr(config, "prompts_per_step"):
        return {"prompts_per_step": count}
    at_once = min(config.per_device_train_batch_size, count)
    return {"per_device_train_batch_size": at_once, "gradient_accumulation_steps": max(1, count // at_once)}


def _roomy(size: int, memory: MemoryEstimate | None) -> int:
    """As many of `size` pieces as take no more than a quarter of the free memory: a check must not push others out."""
    if memory is None or not memory.available or not memory.activations:
        return size
    return max(1, min(size, int(size * memory.available / 4 / memory.activations)))


def _composed(spec: RunSpec, loop: Loop, changed: dict[str, int]) -> Composition:
    """The method with some fields changed, over the loop's own models and data."""
    method = method_of(spec.method)
    composition: Composition = method.compose(config_of(method, spec.config | changed), loop.setting)
    return composition


def _evaluations(total: int | None, every: int) -> int:
    """How often a run evaluates: at its start, every so many steps, and at its end."""
    return 2 if total is None or every <= 0 else 1 + -(-total // every)


def _saves(total: int, every: int) -> int:
    """Checkpoints of a run, the last one and the final model included."""
    return 1 + (-(-total // every) if every > 0 else 1)


def _saving(loop: Loop) -> float:
    """Seconds of one checkpoint, into the check's scratch directory when it is small."""
    size = rough_size(loop.state)
    if size <= WRITTEN_AT_ONCE:
        with contextlib.suppress(DiskFault):  # the scratch directory's disk need not be the run's
            return _seconds(lambda: loop.save("asked"))
    return size / DISK_BYTES_PER_SECOND


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _basis(tried: int, size: int) -> str:
    """What the estimate rests on, for a person to judge it by."""
    cores, busy = os.cpu_count() or 1, psutil.getloadavg()[0]
    crowded = f" Other work keeps the machine's {cores} cores busy (load {busy:.0f})." if busy > cores else ""
    part = f"a step of {size}" if tried >= size else f"{tried} of a step's {size}"
    return f"Timed here just now with {part} and {torch.get_num_threads()} threads.{crowded}"
