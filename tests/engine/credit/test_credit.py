"""Credit: where the reward goes, the sum check, and the KL penalty per token."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers.engine.credit import credit, returns, with_kl_penalty
from workers.engine.members import load, names

PART = "workers.engine.credit"
OF_THE_WHOLE = [name for name in names(PART) if not hasattr(load(PART, name), "NEEDS")]
"""Those that know an answer's reward alone; the others say what their rows add up to."""


def test_the_last_token_gets_all_even_when_the_mask_has_a_hole() -> None:
    mask = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 1]])
    assert credit("last_token")(torch.tensor([2.0, 3.0]), mask).tolist() == [[0, 0, 2, 0], [0, 0, 0, 3]]


def test_even_credit_spreads_over_the_masked_tokens() -> None:
    mask = torch.tensor([[1, 0, 1, 0]])
    assert credit("even")(torch.tensor([2.0]), mask).tolist() == [[1, 0, 1, 0]]


@pytest.mark.parametrize("name", OF_THE_WHOLE)
@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(1, 5)), min_size=1, max_size=6))
def test_a_row_sums_to_its_reward(name: str, rows: list[tuple[float, int]]) -> None:
    rewards = torch.tensor([reward for reward, _ in rows], dtype=torch.float64)
    mask = (torch.arange(5) < torch.tensor([length for _, length in rows]).unsqueeze(1)).long()
    assert torch.allclose(returns(credit(name)(rewards, mask), mask), rewards)


@pytest.mark.parametrize("name", OF_THE_WHOLE)
def test_an_empty_row_has_no_reward_and_a_nan_stays_in_its_row(name: str) -> None:
    found = credit(name)(torch.tensor([5.0, math.nan, 1.0]), torch.tensor([[0, 0], [1, 1], [1, 0]]))
    assert found[0].tolist() == [0, 0]
    assert returns(found, torch.ones(3, 2)).isnan().tolist() == [False, True, False]


def test_the_kl_penalty_is_the_surveys_example() -> None:
    k1 = torch.tensor([[0.2, -0.1, 0.5]], requires_grad=True)
    mask = torch.ones(1, 3)
    found = with_kl_penalty(credit("last_token")(torch.tensor([1.0]), mask), k1, mask, beta=0.05)
    assert found[0].tolist() == pytest.approx([-0.01, 0.005, 0.975])
    assert not found.requires_grad
