"""Tiny models of several architectures for the sampler's tests, drawn from a seed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import (
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SIZES: dict[str, Any] = {"vocab_size": 37, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
                         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0,
                         "bos_token_id": 1, "eos_token_id": 2}


def model(kind: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    if kind == "gpt2":
        made: Any = GPT2LMHeadModel(GPT2Config(vocab_size=37, n_embd=32, n_layer=2, n_head=4, n_positions=128, pad_token_id=0,
                                               bos_token_id=1, eos_token_id=2))
    elif kind == "mistral-sliding":
        made = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=6))
    elif kind == "mistral":
        made = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=None))
    else:
        config, of = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM),
                      "qwen3": (Qwen3Config, Qwen3ForCausalLM),
                      "gemma": (GemmaConfig, GemmaForCausalLM)}[kind]
        made = of(config(**SIZES, **({"head_dim": 8} if kind in {"gemma", "qwen3"} else {})))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(6 if parameter.dim() > 1 else 1)
    return made.eval()


class View:
    """A model as a method's parts see it, without a run around it."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.device = torch.device("cpu")

    @contextmanager
    def generating(self) -> Iterator[Any]:
        with torch.no_grad():
            yield self.module
