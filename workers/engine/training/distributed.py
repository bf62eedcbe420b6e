"""The processes of one run: what the first decides for all, what is dealt out, what is added up. Alone they cost nothing.

Every process holds the whole step: the same samples, the same random numbers, the same decisions. Only heavy work is dealt
out: writing answers, scoring without gradient, forward and backward. So whatever a method does with a step as a whole
(whitening, baselines, groups) needs no word here, and a step of W processes of N samples is that of one with W·N.

Every function must be called by all processes, in the same order.

Legend: W processes, S streams.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

A = TypeVar("A")
B = TypeVar("B")

PATIENCE = timedelta(days=30)
"""A paused run waits for a person. A process that is gone is noticed by who started it, not by a clock."""
SUMMED_AT_ONCE = 1 << 25
"""Gradient elements of one message (128 MiB of float32)."""

_streams = 1
_alone = False


def join(*, rank: int, count: int, meeting: str, gpus: bool) -> None:
    """Makes this process one of `count` that meet at `meeting` (torch's `init_method`)."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(count)}
    os.environ.setdefault("LOCAL_RANK", str(rank))
    os.environ.setdefault("LOCAL_WORLD_SIZE", str(count))
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # Decisions travel as objects, which need a backend of the CPU beside that of the gradients.
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", init_method=meeting, rank=rank, world_size=count,
                            timeout=PATIENCE)


def leave() -> None:
    """Ends what `join` began; nothing when this process is alone."""
    if dist.is_initialized():
        dist.destroy_process_group()


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() and not _alone else 1


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() and not _alone else 0


def agreed(decide: Callable[[], A]) -> A:
    """What `decide` answers in the first process, where it is as if alone; the others do not ask theirs."""
    if count() == 1:
        return decide()
    held: list[Any] = [None]
    if rank() == 0:
        with _apart():
            held[0] = decide()
    dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
    decided: A = held[0]
    return decided


@contextmanager
def _apart() -> Iterator[None]:
    global _alone  # noqa: PLW0603 - as torch's process group, it belongs to the whole process
    _alone = True
    try:
        yield
    finally:
        _alone = False


def gathered(mine: A) -> list[A]:
    """Everybody's, by rank."""
    if count() == 1:
        return [mine]
    found: list[Any] = [None] * count()
    dist.all_gather_object(found, mine)
    return found


def share(total: int, index: int | None = None, of: int | None = None) -> slice:
    """This process's consecutive part of `total` things (or part `index` of `of`): as equal as can be, empty where fewer."""
    index, of = rank() if index is None else index, count() if of is None else of
    return slice(total * index // of, total * (index + 1) // of)


def dealt(things: Sequence[A], work: Callable[[Sequence[A]], list[B]]) -> list[B]:
    """`work` of everything in order, each process having done its share."""
    if count() == 1:
        return work(things)
    mine = things[share(len(things))]
    return [answer for part in gathered(work(mine) if mine else []) for answer in part]


def add_up(values: Tensor) -> Tensor:
    """The sum over processes of small `values`, in place."""
    if count() > 1:
        dist.all_reduce(values)
    return values


def add_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Each parameter's gradient becomes the sum over processes; one that no process has stays None.

    One pass after the last micro-batch. Any cut into micro-batches and any number of forward passes is right, which a
    wrapper that sums during the backward pass cannot say; its price is that nothing is sent while computing.
    """
    if count() == 1 or not parameters:
        return
    device = parameters[0].device
    present = add_up(torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32, device=device))
    for parameter, somewhere in zip(parameters, present.tolist(), strict=True):
        if somewhere and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    for bucket in _buckets([parameter.grad for parameter in parameters if parameter.grad is not None]):
        whole = torch.cat([gradient.reshape(-1) for gradient in bucket])
        dist.all_reduce(whole)
        for gradient, summed in zip(bucket, whole.split([gradient.numel() for gradient in bucket]), strict=True):
            gradient.copy_(summed.view_as(gradient))


def _buckets(gradients: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Runs of one data type of about `SUMMED_AT_ONCE` elements."""
    bucket: list[Tensor] = []
    for gradient in gradients:
        if bucket and (gradient.dtype != bucket[0].dtype or sum(map(Tensor.numel, bucket)) > SUMMED_AT_ONCE):
            yield bucket
            bucket = []
        bucket.append(gradient)
    if bucket:
        yield bucket


def make_equal(module: nn.Module) -> None:
    """Every process gets the first one's parameters and buffers."""
    if count() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            dist.broadcast(tensor.data, src=0)


def wait() -> None:
    """Returns when all have come here."""
    if count() > 1:
        add_up(torch.zeros(1))


def set_streams(number: int | None) -> None:
    """S, the random streams that dealt-out work draws from; None is one a process."""
    global _streams  # noqa: PLW0603 - as torch's process group, it belongs to the whole process
    _streams = number or count()


def streams() -> int:
    return _streams


@contextmanager
def stream(seed: int, index: int) -> Iterator[None]:
    """Within: torch draws from stream `index` of `seed`. Afterwards its generators stand where they stood."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_initialized() else []):
        torch.manual_seed(seed + index)
        yield


@contextmanager
def own_stream() -> Iterator[None]:
    """Within: this process draws from a stream of its own, which does not disturb what all draw alike.

    With one stream nothing changes.
    """
    if _streams == 1 or _alone:
        yield
        return
    with stream(next_seed(), rank()):
        yield


def next_seed() -> int:
    """A seed for streams, drawn by all alike from torch's own generator."""
    return int(torch.randint(1 << 62, ()))


def dealt_streams(things: Sequence[A], draw: Callable[[Sequence[A]], list[B]]) -> list[B]:
    """`draw` of everything in order, cut into S consecutive parts with a random stream each, dealt out.

    What is drawn depends on S alone, not on how many processes there are.
    """
    if _streams == 1 or _alone:
        return draw(things)
    seed = next_seed()

    def drawn(parts: Sequence[int]) -> list[B]:
        found: list[B] = []
        for part in parts:
            with stream(seed, part):
                mine = things[share(len(things), part, _streams)]
                found += draw(mine) if mine else []
        return found

    return dealt(range(_streams), drawn)
