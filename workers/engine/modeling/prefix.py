"""Trained keys and values before the text, in every layer (prefix tuning, arXiv 2101.00190; P-tuning v2, arXiv 2110.07602).

peft makes and stores the prefix and hands it over as a cache of past tokens, which a flat row of many documents cannot
have. Here attention itself puts it before each document's keys (`flat_attention`), and a written answer's cache begins
with it. Positions of the text begin after the prefix, as they do in peft, so both give the same numbers.

Legend: H' heads of keys and values, n virtual tokens, D head width.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Prefix = tuple[tuple[Tensor, Tensor], ...]
"""Of each layer the keys and values [H',n,D]."""
STATE = "prefix.safetensors"


def has_prefix(module: Any) -> bool:
    """Whether the model carries a prefix, switched on or off."""
    return hasattr(module, "prompt_encoder")


def prefix_of(module: Any) -> Prefix | None:
    """The prefix of a model that carries one and has it switched on. Gradients reach what it is made of."""
    if not has_prefix(module) or module._adapters_disabled:
        return None
    config, encoder = module.active_peft_config, module.prompt_encoder[module.active_adapter]
    tokens = torch.arange(config.num_virtual_tokens, device=encoder.embedding.weight.device)
    # A stored prefix has lost the network that made it.
    flat = encoder.embedding.weight if config.inference_mode else encoder(tokens)
    heads = config.num_attention_heads
    both = flat.view(len(tokens), 2 * config.num_layers, heads, config.token_dim // heads).permute(1, 2, 0, 3)
    return tuple((both[2 * layer], both[2 * layer + 1]) for layer in range(config.num_layers))


class PrefixedModel:
    """A model as the sampler calls it, whose empty cache is begun with the prefix. Everything else is the model's own."""

    def __init__(self, module: Any, prefix: Prefix) -> None:
        self._module, self._prefix = module, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __call__(self, *, input_ids: Tensor, past_key_values: Any, position_ids: Tensor | None = None,
                 attention_mask: Tensor | None = None, **more: Any) -> Any:
        """The model's answer to ids [b,L]; mask [b,S] and positions [b,L] are told without the prefix."""
        length, rows = self._prefix[0][0].shape[1], len(input_ids)
        if past_key_values.get_seq_length() == 0:
            for layer, (key, value) in enumerate(self._prefix):
                past_key_values.update(*(each.expand(rows, -1, -1, -1).contiguous() for each in (key, value)), layer)
        if attention_mask is not None:
            attention_mask = torch.cat([attention_mask.new_ones(rows, length), attention_mask], dim=1)
        if position_ids is not None:
            position_ids = position_ids + length
        return self._module.get_base_model()(input_ids=input_ids, past_key_values=past_key_values,
                                             attention_mask=attention_mask, position_ids=position_ids, **more)


def save_trained(module: Any, directory: Path) -> None:
    """What a prefix is made of, bit for bit: peft's own file keeps the prefix alone."""
    if has_prefix(module):
        save_file({name: parameter.detach().cpu().contiguous() for name, parameter in module.named_parameters()
                   if parameter.requires_grad}, directory / STATE)


def load_trained(module: Any, directory: Path) -> None:
    """Brings back what `save_trained` wrote."""
    held, parameters = load_file(directory / STATE), dict(module.named_parameters())
    with torch.no_grad():
        for name, tensor in held.items():
            parameters[name].copy_(tensor)
