"""REINFORCE's baselines: worked numbers, identities, the unbiased gradient by enumeration, and rows without a reward."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine.advantages import (
    batch_centred,
    greedy_centred,
    group_centred,
    group_centred_whitened,
    leave_one_out,
    length_weighted,
    moving_average,
    state_value,
    to_go,
    whitened,
)
from workers.engine.credit import last_token
from workers.engine.critic import gae

REWARDS = torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64)
ONE_GROUP = torch.zeros(1, dtype=torch.int64)


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Token rewards and values [4,6], a mask with prompts and padding, and groups of two."""
    draw = torch.Generator().manual_seed(seed)
    rewards, values = (torch.randn(4, 6, generator=draw, dtype=torch.float64) for _ in range(2))
    steps = torch.arange(6)
    return rewards, values, (steps >= 1) & (steps < torch.tensor([6, 4, 3, 5]).unsqueeze(1)), torch.tensor([0, 0, 1, 1])


def test_rewards_to_go_are_discounted_token_by_token() -> None:
    assert to_go.advantages(REWARDS, torch.ones(1, 3), ONE_GROUP).tolist() == [[7, 6, 4]]
    assert to_go.advantages(REWARDS, torch.ones(1, 3), ONE_GROUP, gamma=0.5).tolist() == [[3, 4, 4]]
    assert to_go.advantages(REWARDS, torch.ones(1, 3), ONE_GROUP, gamma=None).tolist() == [[7, 7, 7]]


def test_a_tools_tokens_are_passed_over_and_cost_no_discount() -> None:
    mask = torch.tensor([[1, 0, 1]])
    assert to_go.advantages(REWARDS, mask, ONE_GROUP, gamma=0.5).tolist() == [[3, 0, 4]]


def test_the_optimal_baseline_weighs_answers_by_length() -> None:
    """Lengths 1 and 3, rewards 1 and 0: b = (1·1 + 3·0)/4."""
    mask = torch.tensor([[1, 0, 0], [1, 1, 1]])
    rewards = last_token.token_rewards(torch.tensor([1.0, 0.0]), mask)
    assert length_weighted.advantages(rewards, mask, torch.zeros(2)).tolist() == [[0.75, 0, 0], [-0.25, -0.25, -0.25]]


def test_the_self_critical_example() -> None:
    """Sampled .6, greedy .4: the advantage .2 makes the loss of an answer with log-prob −7 equal 1.4."""
    rewards, mask = torch.tensor([[0.0, 0.6]]), torch.ones(1, 2)
    found = greedy_centred.advantages(rewards, mask, ONE_GROUP, greedy_reward=torch.tensor([0.4]))
    assert found.tolist() == [pytest.approx([0.2, 0.2])]
    assert float(-(found * torch.tensor([[-3.0, -4.0]])).sum()) == pytest.approx(1.4)


def test_the_moving_average_and_its_update() -> None:
    found = moving_average.advantages(torch.tensor([[0.0, 1.0]]), torch.ones(1, 2), ONE_GROUP, baseline=torch.tensor([0.25]))
    assert found.tolist() == [[0.75, 0.75]]
    assert moving_average.moved(0.5, 1.0, 0.9) == pytest.approx(0.55)


def test_reinforce_plus_plus_baseline_whitens_what_stands_above_the_group() -> None:
    rewards, mask = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64), torch.tensor([[1, 1], [1, 0], [1, 1], [1, 1]])
    found = group_centred_whitened.advantages(last_token.token_rewards(rewards, mask), mask, torch.tensor([0, 0, 1, 1]))
    tokens = torch.tensor([0.5, 0.5, -0.5, 0, 0, 0, 0], dtype=torch.float64)
    white = (tokens - tokens.mean()) / (tokens.var() + 1e-8).sqrt()
    assert torch.allclose(found[mask.bool()], white)


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0, 1))
def test_identities_between_estimators(seed: int, gamma: float) -> None:
    rewards, values, mask, groups = drawn(seed)
    plain = to_go.advantages(rewards, mask, groups, gamma=gamma)
    nothing = torch.zeros(4, dtype=torch.float64)
    assert torch.allclose(moving_average.advantages(rewards, mask, groups, baseline=nothing, gamma=gamma), plain)
    # A learned baseline is GAE at λ = 1.
    whole = gae.estimate(rewards, values, mask, gamma=gamma, lam=1).advantages
    assert torch.allclose(state_value.advantages(rewards, mask, groups, values=values, gamma=gamma), whole)
    # Whatever the baseline, it is one number for an answer: differences between its tokens are those of rewards to go.
    for estimator in (group_centred, leave_one_out, batch_centred, length_weighted):
        difference = torch.where(mask, estimator.advantages(rewards, mask, groups, gamma=gamma) - plain, torch.nan)
        assert float((difference - difference.nanmean(-1, keepdim=True)).nan_to_num().abs().max()) < 1e-12
    # Of groups of two, the others' mean is twice as far as the group's.
    assert torch.allclose(leave_one_out.advantages(rewards, mask, groups), 2 * group_centred.advantages(rewards, mask, groups))
    even = torch.ones(4, 6)
    assert torch.allclose(length_weighted.advantages(rewards, even, groups), group_centred.advantages(rewards, even, groups))
    # Without a KL the whole reward stands on the last token: SCST is ReMax.
    ended, greedy = last_token.token_rewards(rewards[:, 0], mask), values[:, 0]
    scst, remax = (greedy_centred.advantages(ended, mask, groups, greedy_reward=greedy, gamma=form) for form in (None, 1.0))
    assert torch.allclose(scst, remax)


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(-5, 5), st.floats(-2, 2))
def test_no_constant_baseline_changes_the_expected_gradient(logit: float, baseline: float, reward: float) -> None:
    """Two actions, enumerated: Σ_a π(a)·(R_a − b)·∇log π(a) is ∇E[R] for every b."""
    logits = torch.tensor([logit, 0.0], dtype=torch.float64, requires_grad=True)
    logs = torch.log_softmax(logits, 0)
    mask, rewards = torch.ones(2, 1), torch.tensor([[reward], [1.0]], dtype=torch.float64)
    found = moving_average.advantages(rewards, mask, torch.zeros(2), baseline=torch.full((2,), baseline, dtype=torch.float64))
    estimate, = torch.autograd.grad((logs.exp().detach() * found[:, 0] * logs).sum(), logits, retain_graph=True)
    exact, = torch.autograd.grad((logs.exp() * rewards[:, 0]).sum(), logits)
    assert torch.allclose(estimate, exact, atol=1e-12)


def test_the_discounted_whitening_is_that_of_discounted_rewards_to_go() -> None:
    found = whitened.advantages(REWARDS, torch.ones(1, 3), ONE_GROUP, gamma=0.5)
    gained = torch.tensor([3.0, 4.0, 4.0], dtype=torch.float64)
    assert torch.allclose(found[0], (gained - gained.mean()) / (gained.var() + 1e-8).sqrt())


def test_a_greedy_answer_without_a_reward_and_a_step_without_any_teach_nothing() -> None:
    rewards, mask = torch.tensor([[1.0], [2.0]]), torch.ones(2, 1)
    groups = torch.zeros(2)
    found = greedy_centred.advantages(rewards, mask, groups, greedy_reward=torch.tensor([math.nan, 0.5]))
    assert found.tolist() == [[0], [1.5]]
    for estimator in (batch_centred, length_weighted, group_centred_whitened, to_go):
        assert not estimator.advantages(torch.full((2, 1), math.nan), mask, groups).any()
        assert not estimator.advantages(rewards, torch.zeros(2, 1), groups).any()
