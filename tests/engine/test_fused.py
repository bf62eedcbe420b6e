"""Fused layers give the numbers and gradients of the library's own, for every build, adapter and way of training."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor

from tests.engine.sampler.models import model
from workers.engine.modeling import models
from workers.engine.modeling.compiled import Compiled
from workers.engine.modeling.flat_attention import NAME as FLAT
from workers.engine.modeling.fused import RootMeanSquare, Rotation, fuse
from workers.engine.sample import Batch, Sample, batch_of

CPU = torch.device("cpu")


def scored(kind: str, monkeypatch: pytest.MonkeyPatch, *, fused: bool, samples: list[Sample]) -> tuple[Tensor, dict[str, Tensor]]:
    """Log-probs of the samples, and the gradient of a weighted sum of them for each parameter."""
    module = model(kind.removesuffix("-lora").removesuffix("-checkpointed"))
    module.set_attn_implementation(FLAT)
    if kind.endswith("-lora"):
        torch.manual_seed(0)
        module = get_peft_model(module, LoraConfig(r=2, target_modules=["q_proj", "v_proj", "down_proj"],
                                                   init_lora_weights=False))
    if kind.endswith("-checkpointed"):
        module.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    with monkeypatch.context() as patched:
        if not fused:
            patched.setattr(models, "fuse", lambda module: False)
        policy = models.Model(models.Scorer(module), CPU, trained=True)
    batch: Batch = batch_of(samples)
    found = policy.score(batch).logprobs
    weights = torch.linspace(-1, 1, found.numel()).view_as(found)
    (found * weights).sum().backward()
    return found.detach(), {name: parameter.grad for name, parameter in module.named_parameters() if parameter.grad is not None}


def drawn(length: int, seed: int) -> Tensor:
    return torch.randint(3, 37, (length,), generator=torch.Generator().manual_seed(seed))


def alone() -> list[Sample]:
    return [Sample(ids=drawn(length, length), mask=torch.arange(length) >= 1) for length in (9, 12, 3)]


def together() -> list[Sample]:
    """Three answers to one prompt, which stands in the row once."""
    prompt = drawn(5, 1)
    made = []
    for number in range(3):
        ids = torch.cat([prompt, drawn(4 + number, 7 + number)])
        made.append(Sample(ids=ids, mask=torch.arange(len(ids)) >= 5, prompt_length=5, group=0))
    return made


@pytest.mark.parametrize("samples", [alone, together])
@pytest.mark.parametrize("kind", ["llama", "mistral-sliding", "qwen2", "qwen3", "llama-lora", "llama-checkpointed", "gemma"])
def test_log_probs_and_gradients_are_the_librarys(kind: str, samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, gradient = scored(kind, monkeypatch, fused=True, samples=samples())
    wanted, plain = scored(kind, monkeypatch, fused=False, samples=samples())
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert gradient.keys() == plain.keys()
    for name, grad in gradient.items():
        torch.testing.assert_close(grad, plain[name], atol=1e-5 * float(plain[name].abs().max()) + 1e-7, rtol=1e-5, msg=name)


def test_known_builds_are_fused_and_others_are_not() -> None:
    assert [fuse(model(kind)) for kind in ("llama", "mistral", "qwen2", "qwen3", "gemma", "gpt2")] == [True] * 4 + [False] * 2


def test_only_the_rows_that_are_read_leave_the_last_layer() -> None:
    module = model("llama")
    module.set_attn_implementation(FLAT)
    scorer = models.Scorer(module)
    rows: list[int] = []
    module.model.layers[-1].mlp.register_forward_hook(lambda _, given, __: rows.append(given[0].shape[1]))
    batch = batch_of(together())
    models.Model(scorer, CPU, trained=True).score(batch)
    assert rows == [int(batch.mask.sum())]


def test_a_model_that_is_compiled_reads_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    module = model("llama")
    module.set_attn_implementation(FLAT)
    scorer = models.Scorer(module)
    batch = batch_of(alone())
    wanted = models.Model(scorer, CPU, trained=True).score(batch).logprobs
    monkeypatch.setattr(Compiled, "__call__", lambda self, **inputs: self._call(**inputs))
    scorer.compile_layers(lambda _: None)
    torch.testing.assert_close(models.Model(scorer, CPU, trained=True).score(batch).logprobs, wanted)


def test_gradients_are_those_of_finite_differences_and_have_gradients_themselves() -> None:
    draw = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(*shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in ((2, 3, 4), (4,)))
    heads = torch.randn(2, 3, 4, generator=draw, dtype=torch.float64).requires_grad_()
    cos, sin = (torch.randn(2, 1, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda x, w: RootMeanSquare.apply(x, w, 1e-6), (hidden, weight))
        assert check(lambda x: Rotation.apply(x, cos, sin), (heads,))
