"""The backward view of TD(λ) against the forward one, and returns of n steps against both ends of λ."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine.critic import gae, n_step, traces


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards [3,6], features [3,6,4] of a linear critic, and a mask with a prompt, a tool's token and padding."""
    draw = torch.Generator().manual_seed(seed)
    rewards = torch.randn(3, 6, generator=draw, dtype=torch.float64)
    features = torch.randn(3, 6, 4, generator=draw, dtype=torch.float64)
    return rewards, features, torch.tensor([[0, 1, 1, 1, 1, 1], [0, 1, 0, 1, 1, 0], [0, 0, 1, 0, 0, 0]], dtype=torch.bool)


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
def test_errors_handed_back_along_the_trace_move_the_critic_as_the_forward_view(seed: int, gamma: float, lam: float) -> None:
    rewards, features, mask = drawn(seed)
    weights = torch.ones(4, dtype=torch.float64, requires_grad=True)
    values = features @ weights
    ahead = gae.estimate(rewards, values, mask, gamma=gamma, lam=lam)
    errors = gae.estimate(rewards, values, mask, gamma=gamma, lam=0).advantages
    backward, = torch.autograd.grad(traces.terms(values, errors, mask, gamma=gamma, lam=lam).sum(), weights, retain_graph=True)
    forward, = torch.autograd.grad(((values - ahead.returns)[mask].square() / 2).sum(), weights)
    assert torch.allclose(backward, forward, atol=1e-12)
    # And as the algorithm is written: one trace, one error after another.
    moved = torch.zeros(4, dtype=torch.float64)
    for row in range(3):
        trace = torch.zeros(4, dtype=torch.float64)
        for t in mask[row].nonzero().flatten().tolist():
            trace = gamma * lam * trace + features[row, t]
            moved += errors[row, t] * trace
    assert torch.allclose(-backward, moved, atol=1e-12)


def test_the_catalogues_numbers_at_one_step_and_at_all() -> None:
    rewards, values = torch.tensor([[0.0, 0, 1]]), torch.tensor([[0.5, 0.6, 0.7]])
    found = [n_step.estimate(rewards, values, torch.ones(1, 3), gamma=1, steps=steps).advantages[0].tolist()
             for steps in (1, 2, 3)]
    assert found[0] == pytest.approx([0.1, 0.1, 0.3])
    assert found[1] == pytest.approx([0.2, 0.4, 0.3])
    assert found[2] == pytest.approx([0.5, 0.4, 0.3])


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0, 1))
def test_one_step_is_lambda_zero_and_all_of_them_lambda_one(seed: int, gamma: float) -> None:
    rewards, features, mask = drawn(seed)
    values = features.sum(-1).masked_fill(~mask, torch.nan)
    rewards = rewards.masked_fill(~mask, torch.nan)
    for steps, lam in ((1, 0.0), (9, 1.0)):
        found = n_step.estimate(rewards, values, mask, gamma=gamma, steps=steps)
        expected = gae.estimate(rewards, values, mask, gamma=gamma, lam=lam)
        assert torch.allclose(found.advantages, expected.advantages, atol=1e-12)
        assert torch.allclose(found.returns, expected.returns, atol=1e-12)


def test_no_token_at_all_gives_nothing() -> None:
    nothing = torch.zeros(2, 3)
    assert not n_step.estimate(nothing, nothing, nothing, gamma=1, steps=4).returns.any()
    assert not traces.traced(torch.ones(2, 3), nothing, decay=0.5).any()
