"""Turns of a run's loop in this process: what a test of many short runs pays for, without reports, checkpoints and files."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from transformers import AutoTokenizer

from workers.contract.run_spec import RunSpec
from workers.engine import run
from workers.engine.control import Inbox
from workers.engine.events import Silence
from workers.engine.modeling import loading


@contextmanager
def held_models(noise: tuple[float, int] | None = None) -> Iterator[None]:
    """Models and tokenizers are read once; whoever loads one gets what loading it anew would give, fresh heads included.

    `noise` (relative size, seed) moves every weight by about so much, alike for all who load the same model.
    """
    held: dict[Any, tuple[Any, torch.Tensor]] = {}
    load = loading._load

    def again(auto: Any, path: str, **more: Any) -> Any:
        key = (auto, path, str(more), torch.get_rng_state().numpy().tobytes())
        if key not in held:
            held[key] = (load(auto, path, **more), torch.get_rng_state())
            if noise is not None:
                _shake(held[key][0], *noise)
        module, after = held[key]
        torch.set_rng_state(after)
        return deepcopy(module)

    tokenizers = SimpleNamespace(from_pretrained=cache(AutoTokenizer.from_pretrained))
    with patch.object(loading, "_load", again), patch.object(loading, "AutoTokenizer", tokenizers):
        yield


def _shake(module: torch.nn.Module, size: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1 + size * torch.randn(parameter.shape, generator=generator))


def turns(spec: RunSpec, count: int) -> Iterator[dict[str, float]]:
    """The numbers that each of the first turns tells. Raises the run's fault."""
    loop = run.prepare(spec, Silence(), Inbox())
    with closing(loop.setting):
        for _ in range(count):
            loop.state.step += 1
            yield loop.turn().values()
