"""Attention gives the same bits under the update's quick matrix products as without them, backward too."""

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from torch import Tensor

from tests.engine.builders import random_sample, view
from workers.engine.modeling import precision
from workers.engine.modeling.full_precision_attention import attend
from workers.engine.sample import batch_of


def attended(kind: AbstractContextManager[None], *, heads: int, window: int | None) -> list[Tensor]:
    """Output and the three gradients of one attention in it."""
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, count, 33, 16, generator=draw).requires_grad_() for count in (4, heads, heads))
    steps = torch.arange(33)
    behind = steps[:, None] - steps[None, :]
    mask = None if window is None else (behind >= 0) & (behind < window)
    with kind:
        out = attend(query, key, value, mask=mask, dropout=0.0, scale=0.3)
        return [out, *torch.autograd.grad(out.square().sum(), (query, key, value))]


@pytest.mark.parametrize("heads", [4, 2])
@pytest.mark.parametrize("window", [None, 7])
def test_quick_products_change_no_bit_of_attention_or_its_gradients(heads: int, window: int | None) -> None:
    quick = attended(precision._matmul("medium"), heads=heads, window=window)
    plain = attended(nullcontext(), heads=heads, window=window)
    assert all(torch.equal(one, other) for one, other in zip(quick, plain, strict=True))


def test_attention_leaves_the_setting_as_it_was() -> None:
    with precision._matmul("medium"):
        attended(nullcontext(), heads=4, window=None)
        assert torch.get_float32_matmul_precision() == "medium"


def gradient(kind: AbstractContextManager[None]) -> Tensor:
    """Of the policy's embeddings, for unlike lengths."""
    policy = view()
    batch = batch_of([random_sample(length, seed=length) for length in (9, 30, 31)])
    with kind:
        policy.score(batch).logprobs.sum().backward()
    found: Tensor = policy.module.get_input_embeddings().weight.grad
    return found


def test_a_model_learns_the_same_under_quick_products() -> None:
    torch.testing.assert_close(gradient(precision._matmul("medium")), gradient(nullcontext()), rtol=1e-4, atol=1e-4)


def test_under_autocast_attention_takes_keys_of_any_precision_to_bfloat16() -> None:
    query, key, value = (torch.randn(1, 2, 5, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    with torch.autocast("cpu", torch.bfloat16), precision._matmul("medium"):
        quick = attend(query, key, value.bfloat16(), mask=None, dropout=0.0, scale=0.3)
    assert quick.dtype == torch.bfloat16
    torch.testing.assert_close(quick.float(), attend(query, key, value, mask=None, dropout=0.0, scale=0.3), rtol=0.05, atol=0.05)
