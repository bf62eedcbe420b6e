"""Adapters through peft: attached fresh, or from a checkpoint; merged at the end where the kind allows it.

`house_tuners` adds two kinds to peft's; `prefix` is how a prefix reaches attention, `adaptive_rank` how AdaLoRA chooses.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from peft import AdaLoraConfig, IA3Config, LoraConfig, PeftConfig, PeftModel, PrefixTuningConfig, get_peft_model
from transformers.cache_utils import DynamicCache, DynamicLayer

from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.modeling import prefix
from workers.engine.modeling.house_tuners import BottleneckConfig, CurConfig
from workers.engine.training.training_config import PREFIXES, TrainingConfig

UNMERGEABLE = {"PREFIX_TUNING": "a prefix", "BOTTLENECK": "bottleneck networks"}
"""peft's types that are no change of the base's weights, and what they are called."""
OUTPUTS = (("o_proj", "down_proj"), ("attn.c_proj", "mlp.c_proj"), ("out_proj", "fc2"), ("attention.dense", "dense_4h_to_h"))
"""By architecture: the layers with which attention and the feed-forward end."""
SCALED = (("k_proj", "v_proj", "down_proj"), ("k_proj", "v_proj", "fc2"), ("c_attn", "mlp.c_proj"),
          ("query_key_value", "dense_4h_to_h"))
"""By architecture: the layers of keys and values, then the feed-forward's last, before which (IA)³ scales."""


def attach(module: Any, config: TrainingConfig, saved: Path | None) -> Any:
    """The module with a trainable adapter. Raises ConfigFault for what the model does not have room for."""
    prefixed = config.adapter in PREFIXES
    if saved is not None and not prefixed:
        return PeftModel.from_pretrained(module, saved, is_trainable=True, use_safetensors=True, low_cpu_mem_usage=False)
    classifies = type(module).__name__.endswith("ForSequenceClassification")
    settings = _SETTINGS[config.adapter](module, config)
    settings.task_type = "SEQ_CLS" if classifies else "CAUSAL_LM"
    try:
        adapted = get_peft_model(module, settings)
    except ValueError as error:
        raise _fault("lora_target_modules", f"lora_target_modules does not fit the model: {error}.", "Use all-linear.") from error
    if saved is not None:
        prefix.load_trained(adapted, saved)
    return adapted


def merged(module: Any, adapter_path: str) -> Any:
    """The base with a stored adapter added into its weights. Raises ModelFault for a kind that cannot be."""
    kind = PeftConfig.from_pretrained(adapter_path).peft_type
    if kind in UNMERGEABLE:
        raise ModelFault(f"This adapter is {UNMERGEABLE[kind]}, which no weights of the base can express.",
                         "Use it beside its base, or choose the base itself.")
    return PeftModel.from_pretrained(module, adapter_path, use_safetensors=True).merge_and_unload()


def carrying(module: Any, adapter_path: str) -> Any:
    """The base with a stored adapter in effect, to be asked and not trained: merged where the kind allows it, else beside it."""
    if PeftConfig.from_pretrained(adapter_path).peft_type not in UNMERGEABLE:
        return merged(module, adapter_path)
    return PeftModel.from_pretrained(module, adapter_path, use_safetensors=True)


def _lora(module: Any, config: TrainingConfig) -> PeftConfig:
    return LoraConfig(r=config.lora_r, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, bias="none",
                      target_modules=_targets(config), use_rslora=config.adapter == "rslora", use_dora=config.adapter == "dora")


def _adalora(module: Any, config: TrainingConfig) -> PeftConfig:
    # The steps are those of `adaptive_rank`; peft wants a number, and never counts.
    return AdaLoraConfig(init_r=config.adalora_init_r, target_r=config.adalora_target_r, lora_alpha=config.lora_alpha,
                         lora_dropout=config.lora_dropout, target_modules=_targets(config), total_step=1)


def _curlora(module: Any, config: TrainingConfig) -> PeftConfig:
    return CurConfig(r=config.lora_r, target_modules=_targets(config))


def _ia3(module: Any, config: TrainingConfig) -> PeftConfig:
    names = _first_present(module, SCALED, config)
    return IA3Config(target_modules=list(names), feedforward_modules=[names[-1]])


def _bottleneck(module: Any, config: TrainingConfig) -> PeftConfig:
    names = _first_present(module, OUTPUTS, config)
    placed = names if config.bottleneck_placement == "houlsby" else names[-1:]
    width = module.config.get_text_config().hidden_size
    return BottleneckConfig(target_modules=list(placed), size=config.bottleneck_size or max(1, width // 16),
                            activation=config.bottleneck_activation)


def _prefix(module: Any, config: TrainingConfig) -> PeftConfig:
    """Raises ConfigFault for a model with layers that forget what is far back, where a prefix would be lost."""
    said = module.config.get_text_config()
    if any(type(layer) is not DynamicLayer for layer in DynamicCache(config=said).layers):
        raise _fault("adapter", f"adapter {config.adapter} needs attention to the whole text in every layer, and "
                     f"{type(module).__name__} has others.", "Choose adapter lora.")
    heads = getattr(said, "num_key_value_heads", None) or said.num_attention_heads
    head_width = getattr(said, "head_dim", None) or said.hidden_size // said.num_attention_heads
    projected = config.adapter == "prefix" and config.prefix_projection
    return PrefixTuningConfig(
        num_virtual_tokens=config.num_virtual_tokens, num_layers=said.num_hidden_layers, num_attention_heads=heads,
        token_dim=heads * head_width, prefix_projection=projected, num_transformer_submodules=1,
        encoder_hidden_size=(config.prefix_hidden_size or said.hidden_size) if projected else None)  # type: ignore[arg-type]


_SETTINGS: dict[str, Callable[[Any, TrainingConfig], PeftConfig]] = {
    "lora": _lora, "rslora": _lora, "dora": _lora, "adalora": _adalora, "curlora": _curlora, "ia3": _ia3,
    "bottleneck": _bottleneck, "prefix": _prefix, "p_tuning_v2": _prefix}


def _targets(config: TrainingConfig) -> str | list[str]:
    names = [name.strip() for name in config.lora_target_modules.split(",") if name.strip()]
    if "lm_head" in names:
        raise _fault("lora_target_modules", "lora_target_modules names lm_head, which is not adapted.",
                     "Leave lm_head out, or use all-linear.")
    return "all-linear" if names == ["all-linear"] else names


def _first_present(module: Any, choices: tuple[tuple[str, ...], ...], config: TrainingConfig) -> tuple[str, ...]:
    """The first of these sets of layer names that the model has. Raises ConfigFault."""
    there = [f".{name}" for name, _ in module.named_modules()]
    for names in choices:
        if all(any(path.endswith(f".{name}") for path in there) for name in names):
            return names
    raise _fault("adapter", f"adapter {config.adapter} does not know where attention and feed-forward end in "
                 f"{type(module).__name__}.", "Choose adapter lora, which takes any linear layer.")


def _fault(field: str, message: str, remedy: str) -> ConfigFault:
    fault = ConfigFault(message, remedy)
    fault.field = field
    return fault
