"""Step rewards pooled by group, and the best of a group: worked numbers, what they reduce to, edges."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine.advantages import best_of_group, group_normalised, process_normalised
from workers.engine.credit import last_token, step_rewards, steps_and_outcome


def steps_of(*rows: list[tuple[int, float]], width: int = 6) -> tuple[Tensor, Tensor]:
    """Token rewards and ends [B,T] from (place, reward) pairs."""
    rewards, ends = torch.zeros(len(rows), width), torch.zeros(len(rows), width)
    for index, row in enumerate(rows):
        for place, reward in row:
            rewards[index, place], ends[index, place] = reward, 1.0
    return rewards, ends


def test_process_advantages_are_the_worked_ones() -> None:
    """The survey's example; its figures have no 1e-4 in the denominator."""
    rewards, ends = steps_of([(2, 0.2), (4, 0.8)], [(1, 0.4), (2, 0.1), (4, 0.5)])
    mask = torch.tensor([[0, 1, 1, 1, 1, 0]] * 2)
    found = process_normalised.advantages(rewards, mask, torch.tensor([7, 7]), step_ends=ends)
    scale = 0.273861 / (0.273861 + 1e-4)
    assert found[0].tolist() == pytest.approx([0, *(scale * v for v in (0.730297, 0.730297, 1.460593, 1.460593)), 0], abs=1e-5)
    assert found[1].tolist() == pytest.approx([0, *(scale * v for v in (-0.730297, -0.730297, 0.365148, 0.365148)), 0], abs=1e-5)
    centred = process_normalised.advantages(rewards, mask, torch.tensor([7, 7]), step_ends=ends, center_by_steps=True)
    assert centred[ends > 0].mean().item() == pytest.approx(0, abs=1e-6)
    assert torch.allclose((found - centred)[mask > 0], torch.tensor(scale * 0.219089), atol=1e-5)


@given(seed=st.integers(0, 10_000), ends_said=st.booleans())
@settings(max_examples=20, deadline=None)
def test_one_step_an_answer_is_grpo(seed: int, ends_said: bool) -> None:
    draw = torch.Generator().manual_seed(seed)
    mask = torch.arange(5) < torch.randint(1, 6, (6, 1), generator=draw)
    rewards = last_token.token_rewards(torch.rand(6, generator=draw), mask)
    groups = torch.randint(0, 2, (6,), generator=draw)
    ends = (rewards > 0).float() if ends_said else torch.zeros_like(rewards)
    found = process_normalised.advantages(rewards, mask, groups, step_ends=ends)
    assert torch.allclose(found, group_normalised.advantages(rewards, mask, groups), atol=1e-5)


def test_the_reward_of_a_step_is_that_of_all_its_tokens_and_groups_do_not_mix() -> None:
    spread = torch.tensor([[0.1, 0.1, 0.3, 0.5], [0.4, 0.1, 0.0, 0.5]] * 2)
    ends = torch.tensor([[0.0, 1, 0, 1], [1, 1, 0, 1]] * 2)
    whole, _ = steps_of([(1, 0.2), (3, 0.8)], [(0, 0.4), (1, 0.1), (3, 0.5)], width=4)
    groups, mask = torch.tensor([0, 0, 1, 1]), torch.ones(4, 4)
    spread[2:] *= 10
    first = process_normalised.advantages(spread, mask, groups, step_ends=ends)
    second = process_normalised.advantages(whole, mask[:2], groups[:2], step_ends=ends[:2])
    assert torch.allclose(first[:2], second, atol=1e-5)
    assert torch.allclose(first[2:], second, atol=2e-3)


def test_equal_steps_single_answers_unscored_ones_and_empty_rows_have_no_advantage() -> None:
    rewards, ends = steps_of([(1, 0.5), (5, 0.5)], [(5, 0.5)], [(2, 1.0), (5, 1.0)], [(1, 0.0), (5, 0.0)], [])
    rewards[3, 1] = torch.nan
    mask = torch.tensor([[1] * 6] * 4 + [[0] * 6])
    found = process_normalised.advantages(rewards, mask, torch.tensor([0, 0, 1, 0, 0]), step_ends=ends)
    assert not found.any()
    assert not process_normalised.advantages(rewards, mask * 0, torch.zeros(5), step_ends=ends, center_by_steps=True).any()


def test_step_credit_places_rewards_on_steps_and_the_outcome_beside_them() -> None:
    rewards, ends = steps_of([(1, 0.2), (3, 0.8)], [(2, 0.5)], [(2, 0.0)], width=4)
    mask, total = torch.ones(3, 4), torch.tensor([1.0, float("nan"), 2.0])
    found = step_rewards.token_rewards(total, mask, step_rewards=rewards, step_ends=ends)
    assert torch.equal(found[0], rewards[0])
    assert found[1].isnan().all()
    both = steps_and_outcome.token_rewards(total, mask, step_rewards=rewards, step_ends=ends)
    assert both[0].tolist() == pytest.approx([0, 0.2, 0, 1.8])
    assert torch.equal(both[2], last_token.token_rewards(total, mask)[2])


@given(low=st.floats(-5, 5), lead=st.floats(0.01, 5))
@settings(max_examples=20, deadline=None)
def test_the_better_of_two_is_ahead_by_the_root_of_two_deviations(low: float, lead: float) -> None:
    values, mask = torch.tensor([low, low + lead], dtype=torch.float64), torch.ones(2, 1)
    found = best_of_group.advantages(last_token.token_rewards(values, mask), mask, torch.tensor([4, 4]))
    assert found.flatten().tolist() == pytest.approx([0, 2**0.5], rel=1e-3)


def test_only_the_best_of_a_group_is_taught_by_its_lead() -> None:
    values = torch.tensor([1.0, 0.25, 0.5, 1.0, 1.0, float("nan"), 3.0])
    mask = torch.ones(7, 2)
    found = best_of_group.advantages(last_token.token_rewards(values, mask), mask, torch.tensor([0, 0, 0, 1, 1, 1, 2]))
    deviation = torch.tensor([1.0, 0.25, 0.5]).std().item()
    assert found[:, 0].tolist() == pytest.approx([0.5 / (deviation + 1e-6), 0, 0, 0, 0, 0, 0])
    assert torch.equal(found[:, 0], found[:, 1])
