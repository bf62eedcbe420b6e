"""The gradient of one update: its samples cut into micro-batches, dealt out to the processes, summed.

Losses are divided by the counts of the whole update, so that any cut gives the same gradient. When memory runs out the
update is begun again with a finer cut, and nothing of the first attempt counts.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from math import ceil

import torch
from accelerate.accelerator import Accelerator
from torch import Tensor, nn

from workers.engine.composition import Fit, Turn
from workers.engine.faults import MemoryFault
from workers.engine.modeling.models import pieces_of
from workers.engine.sample import Counts, Sample, batch_of, counts_of
from workers.engine.training import distributed, memory
from workers.engine.training.tally import Tally

Precision = Callable[[], AbstractContextManager[None]]


def accumulate(phase: Fit, samples: Sequence[Sample], turn: Turn, *, parameters: Sequence[nn.Parameter], sharded: bool,
               accelerator: Accelerator, precision: Precision) -> tuple[Tensor, Counts]:
    """Leaves the update's gradient on `parameters` and its metrics in `turn.tally`; answers its loss and its counts.

    `sharded` parameters are summed by their own hooks. Raises MemoryFault when the finest cut is still too much.
    """
    channels = [dict(sample.channels) for sample in samples]
    while True:
        pieces = cut(phase, samples)
        counts = counts_of(samples, len(pieces))
        scratch = replace(turn, tally=Tally())
        total, out = _attempt(lambda pieces=pieces, counts=counts, scratch=scratch: _backward(  # type: ignore[misc]
            phase, pieces, counts, scratch, sharded=sharded, accelerator=accelerator, precision=precision), sharded=sharded)
        if not out:
            break
        for parameter in parameters:
            parameter.grad = None
        for sample, held in zip(samples, channels, strict=True):
            sample.channels = dict(held)
        _cut_finer(phase, pieces)
    if not sharded:
        distributed.add_gradients(parameters)
    turn.tally.add(scratch.tally)
    if turn.wants_rollouts:
        _exchange(pieces)
    return total, counts


def cut(phase: Fit, samples: Sequence[Sample]) -> list[list[Sample]]:
    """Micro-batches as the phase and memory allow, at least one for each process where there are samples enough."""
    largest = min(memory.most(phase.name, phase.micro_samples), ceil(len(samples) / distributed.count()))
    return pieces_of(samples, micro_samples=largest, micro_tokens=phase.micro_tokens, keep_groups=phase.keep_groups)


def _attempt(backward: Callable[[], Tensor], *, sharded: bool) -> tuple[Tensor, bool]:
    """The loss over all processes, and whether memory ran out in any of them.

    Sharded models talk during the passes: when one process breaks off there, the others wait for it in vain, so that its
    error ends the run.
    """
    if distributed.count() == 1 or sharded:
        total, out = (backward(), False) if sharded else memory.tried(backward)
        return (torch.zeros(()) if total is None else distributed.add_up(total)), out
    total, out = memory.tried(backward)
    told = distributed.add_up(torch.tensor([0.0 if total is None else float(total), float(out)], dtype=torch.float64))
    return told[0].float(), bool(told[1])


def _backward(phase: Fit, pieces: list[list[Sample]], counts: Counts, turn: Turn, *, sharded: bool, accelerator: Accelerator,
              precision: Precision) -> Tensor:
    """The loss of this process's share, its gradient left behind."""
    total = torch.zeros((), device=accelerator.device)
    with precision(), distributed.own_stream():
        for piece, weight in _mine(pieces, sharded=sharded):
            loss = phase.loss(turn if weight else replace(turn, tally=Tally()), batch_of(piece, accelerator.device), counts)
            if loss.requires_grad:
                # Sharded gradients are averaged over the processes; everything here is a sum.
                accelerator.backward(loss * (weight * distributed.count()) if sharded else loss)
            total += weight * loss.detach()
    return total


def _mine(pieces: list[list[Sample]], *, sharded: bool) -> list[tuple[list[Sample], float]]:
    """This process's micro-batches and their weights. Sharded models must be called equally often by all processes: whoever
    has fewer computes one for nothing."""
    mine = [(piece, 1.0) for piece in pieces[distributed.share(len(pieces))]]
    if sharded:
        mine += [(pieces[0], 0.0)] * (ceil(len(pieces) / distributed.count()) - len(mine))
    return mine


def _cut_finer(phase: Fit, pieces: list[list[Sample]]) -> None:
    """Halves the largest micro-batch for the rest of the run. Raises MemoryFault when the cut stays the same."""
    samples = [sample for piece in pieces for sample in piece]
    largest = max(map(len, pieces))
    if len(pieces) == len(pieces_of(samples, micro_samples=1, keep_groups=phase.keep_groups)):
        unit = "one group" if phase.keep_groups and largest > 1 else "one sample"
        raise MemoryFault(f"Memory ran out with micro-batches of {unit}, up to {max(map(len, samples))} tokens each.",
                          memory.REMEDY)
    memory.halve(phase.name, largest, what="samples")


def _exchange(pieces: list[list[Sample]]) -> None:
    """What each process's losses left on its samples, left on everybody's."""
    if distributed.count() == 1:
        return
    mine = range(len(pieces))[distributed.share(len(pieces))]
    for part in distributed.gathered([(index, [sample.channels for sample in pieces[index]]) for index in mine]):
        for index, channels in part:
            for sample, held in zip(pieces[index], channels, strict=True):
                sample.channels = held
