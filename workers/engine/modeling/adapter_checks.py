"""Adapter and precision settings that contradict each other, the model or the machine: refused before anything is loaded."""

from importlib.util import find_spec

import torch

from workers.engine.faults import ConfigFault
from workers.engine.training.training_config import UNMERGED, TrainingConfig, virtual_tokens


def check(config: TrainingConfig, *, context_length: int, gpus: int) -> None:
    """Raises ConfigFault that names the field and what to set instead."""
    found = _adapter(config) or _context(config, context_length) or _eight_bits(config, gpus)
    if found:
        field, message, remedy = found
        fault = ConfigFault(message, remedy)
        fault.field = field
        raise fault


Refusal = tuple[str, str, str]
"""Field, sentence, remedy."""


def _adapter(config: TrainingConfig) -> Refusal | None:
    if config.load_in_4bit and not config.use_peft:
        return ("load_in_4bit", "load_in_4bit freezes the base in 4 bits, and without an adapter nothing would be trained.",
                "Set use_peft, or turn load_in_4bit off.")
    return (_four_bits(config) or _merging(config) or _ranks(config)) if config.use_peft else None


def _four_bits(config: TrainingConfig) -> Refusal | None:
    if config.load_in_4bit and config.adapter not in {"lora", "rslora"}:
        return ("load_in_4bit", f"load_in_4bit goes with lora and rslora, and adapter is {config.adapter}.",
                "Set adapter to lora, or turn load_in_4bit off.")
    return None


def _merging(config: TrainingConfig) -> Refusal | None:
    if not config.merge_adapter or not (config.adapter in UNMERGED or config.load_in_4bit):
        return None
    why = ("a base of 4 bits cannot take it up exactly" if config.load_in_4bit
           else f"{config.adapter} is no change of the base's weights")
    return ("merge_adapter", f"merge_adapter is on, but {why}.",
            "Leave merge_adapter empty or off: the adapter is then written alone.")


def _ranks(config: TrainingConfig) -> Refusal | None:
    if config.adapter != "adalora":
        return None
    if config.adalora_target_r > config.adalora_init_r:
        return ("adalora_target_r", f"adalora_target_r {config.adalora_target_r} is above adalora_init_r "
                f"{config.adalora_init_r}: the budget only falls.", "Lower adalora_target_r, or raise adalora_init_r.")
    if config.adalora_tinit + config.adalora_tfinal >= 1:
        return ("adalora_tfinal", "adalora_tinit and adalora_tfinal together leave no steps in which the budget could fall.",
                "Lower one of them: together below 1.")
    return None


def _context(config: TrainingConfig, context_length: int) -> Refusal | None:
    tokens = virtual_tokens(config)
    room = context_length - tokens
    if not tokens or config.max_length <= room:
        return None
    remedy = f"Set max_length to {room} or less." if room >= 8 else "Lower num_virtual_tokens."
    return ("max_length", f"max_length {config.max_length} and the prefix's {tokens} virtual tokens are beyond the model's "
            f"context of {context_length} tokens.", remedy)


def _eight_bits(config: TrainingConfig, gpus: int) -> Refusal | None:
    """What only bitsandbytes on a GPU can do."""
    field = "load_in_4bit" if config.load_in_4bit else "optim" if config.optim == "adamw_8bit" else ""
    if not field:
        return None
    remedy = "Turn load_in_4bit off." if field == "load_in_4bit" else "Set optim to adamw or adafactor."
    what = "load_in_4bit" if field == "load_in_4bit" else "optim adamw_8bit"
    if not gpus:
        return field, f"{what} needs a GPU, and this run has none.", f"{remedy[:-1]}, or give the run a GPU."
    if not torch.cuda.is_available():
        return field, f"{what} needs CUDA, which this worker does not have.", remedy
    if find_spec("bitsandbytes") is None:
        return field, f"{what} needs bitsandbytes, which this worker does not have.", remedy
    return None
