"""FSDP2: weights, gradients and optimizer cut over the processes, each layer whole only while it computes.

What leaves the run (checkpoints, final models) is whole, so that files do not know how many processes wrote them, and any
other number goes on from them. W processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from workers.engine.training import distributed


def shard(wrapper: nn.Module, device: torch.device) -> None:
    """Cuts the wrapper's parameters in place: each of the model's layers by itself, the rest together."""
    mesh = init_device_mesh(device.type, (distributed.count(),))
    for layer in layers(wrapper):
        fully_shard(layer, mesh=mesh)
    fully_shard(wrapper, mesh=mesh)
    # Else the first layer that is called by itself, while answers are written, would take itself for the root.
    fully_shard.state(wrapper)._lazy_init()  # type: ignore[attr-defined]


def layers(module: nn.Module) -> list[nn.Module]:
    """The repeated layers, as transformers names those that must stay on one device."""
    names = {name for part in module.modules() for name in getattr(part, "_no_split_modules", None) or ()}
    return [part for part in module.modules() if type(part).__name__ in names]


@contextmanager
def unsharded(wrapper: nn.Module) -> Iterator[None]:
    """Within: all of the model is whole in every process, and calling any part of it waits for nobody."""
    parts = [part for part in wrapper.modules() if isinstance(part, FSDPModule)]
    for part in parts:
        part.unshard()
        part.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(part is not wrapper, recurse=False)
            part.reshard()


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor; every process must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part_of(value: Tensor, like: Tensor) -> Tensor:
    """`value` cut as `like` is; as it is where `like` is whole or of another shape, such as an optimizer's step count."""
    if isinstance(like, DTensor) and value.shape == like.shape:
        return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
    return value


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """The state dict with whole tensors; parameters that share their memory share it here. Every process must ask."""
    found: dict[int, Tensor] = {}
    tensors: dict[str, Any] = dict(module.named_parameters(remove_duplicate=False)) | dict(
        module.named_buffers(remove_duplicate=False))
    return {name: found.setdefault(id(tensors[name]), whole(value)) if name in tensors else whole(value)
            for name, value in module.state_dict().items()}
