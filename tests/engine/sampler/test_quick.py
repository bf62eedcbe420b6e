"""Quick steps give the model's own numbers, whatever rows end on the way; other builds are left to the model."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor

from tests.engine.sampler.models import model
from workers.engine.sampler.cache import GroupCache, left_padded
from workers.engine.sampler.grouped import ModelSteps
from workers.engine.sampler.quick import QuickSteps, fits

CPU = torch.device("cpu")
COUNT, ROOM = 3, 6
PADDED = [torch.tensor(ids) for ids in ([5, 6, 7, 8], [9], [3, 4])]
EVEN = [torch.tensor(ids) for ids in ([5, 6], [9, 10], [3, 4])]
KEPT = {1: [0, 1, 3, 4, 6, 7, 8], 2: [1, 4, 5, 6], 4: [0, 2]}
"""Which of the running rows go on after a step: first one of two prompts ends, then a whole prompt."""


def lora(module: Any) -> Any:
    made = get_peft_model(module, LoraConfig(r=2, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False))
    return made.eval()


def filled(module: Any, prompts: list[Tensor]) -> tuple[GroupCache, Tensor]:
    ids, mask = left_padded(prompts, CPU)
    cache = GroupCache(module.config)
    with torch.no_grad():
        module(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0), past_key_values=cache)
    return cache, mask


@pytest.mark.parametrize("prompts", [PADDED, EVEN])
@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3", "lora"])
def test_quick_steps_equal_the_model(kind: str, prompts: list[Tensor]) -> None:
    module = lora(model("llama")) if kind == "lora" else model(kind)
    cache, mask = filled(module, prompts)
    assert fits(module, cache, CPU)
    with torch.no_grad():
        quick = QuickSteps(module, cache, mask, COUNT, ROOM)
        plain_cache, _ = filled(module, prompts)
        plain_cache.spread(COUNT, ROOM)
        plain = ModelSteps(module, plain_cache, mask.repeat_interleave(COUNT, 0), ROOM)
        rows = COUNT * len(prompts)
        torch.manual_seed(0)
        for step in range(ROOM):
            if step in KEPT:
                kept = torch.tensor(KEPT[step])
                quick.keep(kept)
                plain.keep(kept)
                rows = len(kept)
            tokens = torch.randint(3, 37, (rows,))
            torch.testing.assert_close(quick(tokens), plain(tokens), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("kind", ["gemma", "gpt2", "mistral-sliding"])
def test_other_builds_are_left_to_the_model(kind: str) -> None:
    module = model(kind)
    assert not fits(module, filled(module, EVEN)[0], CPU)


def test_hooks_and_reduced_numbers_are_left_to_the_model() -> None:
    module = model("llama")
    cache = filled(module, EVEN)[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert not fits(module, cache, CPU)
    module.model.layers[1].mlp.register_forward_hook(lambda *_: None)
    assert not fits(module, cache, CPU)
