"""LoRA through peft: attached fresh (B zero, so the model starts as its base) or from a checkpoint, merged at the end."""

from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model

from workers.engine.faults import ConfigFault
from workers.engine.training_config import TrainingConfig


def attach(module: Any, config: TrainingConfig, saved: Path | None) -> Any:
    """The module with a trainable adapter. Raises ConfigFault for targets that the model does not have."""
    if saved is not None:
        return PeftModel.from_pretrained(module, saved, is_trainable=True, use_safetensors=True, low_cpu_mem_usage=False)
    names = [name.strip() for name in config.lora_target_modules.split(",") if name.strip()]
    targets: str | list[str] = "all-linear" if names == ["all-linear"] else names
    if "lm_head" in names:
        raise ConfigFault("lora_target_modules names lm_head, which is not adapted.", "Leave lm_head out, or use all-linear.")
    classifies = type(module).__name__.endswith("ForSequenceClassification")
    settings = LoraConfig(r=config.lora_r, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, bias="none",
                          target_modules=targets, task_type="SEQ_CLS" if classifies else "CAUSAL_LM")
    try:
        return get_peft_model(module, settings)
    except ValueError as error:
        raise ConfigFault(f"lora_target_modules does not fit the model: {error}.", "Use all-linear.") from error


def merged(module: Any, adapter_path: str) -> Any:
    """The base with a stored adapter added into its weights."""
    return PeftModel.from_pretrained(module, adapter_path, use_safetensors=True).merge_and_unload()
