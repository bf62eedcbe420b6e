"""Advantage estimators: the catalogue's numbers, identities as properties, and what happens at the edges."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from workers.engine import members
from workers.engine.advantages import estimator
from workers.engine.advantages.group_normalised import advantages as group_normalised
from workers.engine.credit.last_token import token_rewards
from workers.engine.members import names

NAMES = names("workers.engine.advantages")
ALONE = ("to_go", "mean_to_go", "moving_average", "greedy_centred", "state_value", "immediate")
"""Those that look at no other answer: their baseline is nothing, or given."""
AMONG = [name for name in NAMES if name not in ALONE]
REWARDS = st.lists(st.floats(-5, 5), min_size=2, max_size=8)


def of(name: str, rewards: list[float], groups: list[int] | None = None) -> list[float]:
    """Advantages of one-token answers, all of one group unless told."""
    values = torch.tensor(rewards, dtype=torch.float64)
    mask = torch.ones(len(rewards), 1)
    return run(name, values, mask, torch.tensor(groups or [0] * len(rewards))).flatten().tolist()


def run(name: str, rewards: Tensor, mask: Tensor, groups: Tensor) -> Tensor:
    """Advantages [B,T] of rewards [B] on the last token; what a member needs beside them is a quarter everywhere.

    Steps end where the reward stands: an answer is one step.
    """
    needs = getattr(members.load("workers.engine.advantages", name), "NEEDS", ())
    shape = {"values": mask.shape, "baseline": rewards.shape, "greedy_reward": rewards.shape}
    given_too = {need: torch.full(shape[need], 0.25, dtype=rewards.dtype) for need in needs if need in shape}
    given_too |= {"step_ends": token_rewards(torch.ones_like(rewards), mask)} if "step_ends" in needs else {}
    return estimator(name)(token_rewards(rewards, mask), mask, groups, **given_too)


@pytest.mark.parametrize(
    ("name", "rewards", "expected"),
    [
        ("group_normalised", [1, 0, 0, 1], [0.865875, -0.865875, -0.865875, 0.865875]),
        ("group_normalised", [1, 0, 0, 0], [1.4997, -0.4999, -0.4999, -0.4999]),
        ("group_centred", [1, 0, 0, 1], [0.5, -0.5, -0.5, 0.5]),
        ("leave_one_out", [1, 0, 0, 1], [2 / 3, -2 / 3, -2 / 3, 2 / 3]),
        ("leave_one_out", [1, 0, 0, 0], [1, -1 / 3, -1 / 3, -1 / 3]),
        ("leave_one_out", [3, 1], [2, -2]),
        ("batch_scaled", [1, 0, 0, 1], [0.865875, -0.865875, -0.865875, 0.865875]),
        ("whitened", [1, 0, 0, 1], [0.866025, -0.866025, -0.866025, 0.866025]),
    ],
)
def test_the_catalogues_numbers(name: str, rewards: list[float], expected: list[float]) -> None:
    assert of(name, rewards) == pytest.approx(expected, abs=1e-5)


def test_population_deviation_is_an_option() -> None:
    mask = torch.ones(4, 1)
    found = group_normalised(torch.tensor([[1.0], [0], [0], [1]]), mask, torch.zeros(4), bessel=False)
    assert found.flatten().tolist() == pytest.approx([0.9998, -0.9998, -0.9998, 0.9998], abs=1e-6)


def test_batch_scaling_centres_by_group_and_divides_by_the_deviation_of_all() -> None:
    deviation = torch.tensor([1.0, 0, 5, 3]).std().item() + 1e-4
    found = of("batch_scaled", [1, 0, 5, 3], [0, 0, 1, 1])
    assert found == pytest.approx([0.5 / deviation, -0.5 / deviation, 1 / deviation, -1 / deviation])


@given(REWARDS)
def test_leave_one_out_is_the_centred_reward_times_g_over_g_minus_one(rewards: list[float]) -> None:
    size = len(rewards)
    expected = [a * size / (size - 1) for a in of("group_centred", rewards)]
    assert of("leave_one_out", rewards) == pytest.approx(expected, abs=1e-9)


@given(REWARDS, st.floats(0.5, 9), st.floats(-9, 9))
def test_group_normalisation_ignores_shift_and_positive_scale(rewards: list[float], scale: float, shift: float) -> None:
    spread = torch.tensor(rewards, dtype=torch.float64).std().item()
    changed = of("group_normalised", [scale * r + shift for r in rewards])
    assert changed == pytest.approx(of("group_normalised", rewards), abs=max(3e-4 / max(spread, 1e-3), 1e-9) * 3)


@pytest.mark.parametrize("name", ["group_normalised", "group_centred", "leave_one_out"])
@given(rewards=REWARDS)
def test_a_group_sums_to_zero(name: str, rewards: list[float]) -> None:
    assert sum(of(name, rewards)) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("name", AMONG)
def test_equal_rewards_teach_nothing(name: str) -> None:
    assert of(name, [0.7] * 4) == pytest.approx([0] * 4, abs=1e-9)


@pytest.mark.parametrize("name", ["group_normalised", "group_centred", "leave_one_out"])
def test_a_group_of_one_teaches_nothing_and_stays_finite(name: str) -> None:
    assert of(name, [1.0, 5.0, 3.0], [0, 1, 1])[0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_unscorable_answer_gets_zero_and_leaves_the_others_as_if_it_were_not_there(name: str) -> None:
    with_gap = of(name, [1, math.nan, 0, 0])
    assert with_gap[1] == 0
    assert [with_gap[0], *with_gap[2:]] == pytest.approx(of(name, [1, 0, 0]))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_batch_does_not_matter_and_padding_stays_zero(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    rewards = torch.randn(6, generator=generator, dtype=torch.float64)
    mask = (torch.arange(4) < torch.tensor([4, 1, 2, 3, 4, 2]).unsqueeze(1)).long()
    groups, order = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([5, 2, 0, 3, 1, 4])

    whole = run(name, rewards, mask, groups)
    assert torch.allclose(run(name, rewards[order], mask[order], groups[order]), whole[order])
    assert not whole[mask == 0].any()


def test_an_immediate_advantage_is_what_the_token_earned_itself() -> None:
    rewards = torch.tensor([[1.0, -2.0, 3.0], [1.0, math.nan, 0.0]])
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert estimator("immediate")(rewards, mask, torch.tensor([0, 0])).tolist() == [[1, -2, 0], [0, 0, 0]]
