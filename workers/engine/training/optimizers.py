"""The optimizer of a trained role, by its name in the config."""

import importlib
from typing import Any

import torch

from workers.engine.training.training_config import TrainingConfig


def make(module: Any, config: TrainingConfig) -> torch.optim.Optimizer:
    """Over all that takes a gradient. Vectors (norms, biases, (IA)³'s scales, whose rest is 1 and not 0) are not decayed."""
    trained = [(name, parameter) for name, parameter in module.named_parameters() if parameter.requires_grad]
    pulled = [parameter for name, parameter in trained if parameter.ndim >= 2 and "ia3_l" not in name]
    free = [parameter for name, parameter in trained if parameter.ndim < 2 or "ia3_l" in name]
    groups = [group for group in ({"params": pulled, "weight_decay": config.weight_decay},
                                  {"params": free, "weight_decay": 0.0}) if group["params"]]
    betas = (0.9, config.adam_beta2)
    if config.optim == "adafactor":
        return torch.optim.Adafactor(groups, lr=1.0)
    if config.optim == "adamw_8bit":
        optimizer: torch.optim.Optimizer = importlib.import_module("bitsandbytes").optim.AdamW8bit(groups, lr=1.0, betas=betas)
        return optimizer
    return torch.optim.AdamW(groups, lr=1.0, betas=betas, fused=True)


def parameters_of(optimizer: Any) -> list[torch.nn.Parameter]:
    """What it trains, in the order in which its state numbers them."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def kept_bytes(module: Any, config: TrainingConfig) -> int:
    """Bytes that the optimizer keeps of what is trained: two moments, or of a matrix a row and a column."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if config.optim == "adafactor":
        return sum(4 * (sum(parameter.shape[-2:]) * parameter.shape[:-2].numel() if parameter.ndim >= 2 else parameter.numel())
                   for parameter in trained)
    return sum((2 if config.optim == "adamw_8bit" else 8) * parameter.numel() for parameter in trained)
