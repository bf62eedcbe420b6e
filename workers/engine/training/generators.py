"""Every random generator a run draws from, as tensors and JSON, so that a resumed run draws what it would have drawn."""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor


def seed_all(seed: int) -> None:
    """Seeds python, numpy and torch (every device)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Where all generators stand."""
    version, numbers, spare = random.getstate()
    held: Any = np.random.get_state(legacy=True)
    kind, keys, position, has_gauss, gauss = held
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(keys.astype(np.int64))}
    if torch.cuda.is_available():
        tensors |= {f"cuda.{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return tensors, {"python": [version, list(numbers), spare], "numpy": [kind, position, has_gauss, gauss]}


def restore(tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Puts all generators back."""
    version, numbers, spare = values["python"]
    random.setstate((version, tuple(numbers), spare))
    kind, position, has_gauss, gauss = values["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, gauss))
    torch.set_rng_state(tensors["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all([tensors[name] for name in sorted(tensors) if name.startswith("cuda.")])
