"""Generalised advantages: the catalogue's numbers, the closed forms at both ends of λ, masks, and whitening."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from workers.engine.advantages import whiten
from workers.engine.critic import explained_variance
from workers.engine.critic.gae import estimate

REWARDS, VALUES = [0.0, 0.0, 1.0], [0.5, 0.6, 0.7]


def row(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def found(gamma: float, lam: float) -> list[list[float]]:
    one = estimate(row(REWARDS), row(VALUES), torch.ones(1, 3), gamma=gamma, lam=lam)
    return [one.advantages[0].tolist(), one.returns[0].tolist()]


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, values [4,6] and a mask with a prompt before and padding after."""
    draw = torch.Generator().manual_seed(seed)
    rewards, values = (torch.randn(4, 6, generator=draw, dtype=torch.float64) for _ in range(2))
    steps = torch.arange(6)
    return rewards, values, (steps >= 2) & (steps < torch.tensor([6, 5, 3, 4]).unsqueeze(1))


@pytest.mark.parametrize(
    ("gamma", "lam", "advantages"),
    [(1, 0, [0.1, 0.1, 0.3]), (1, 1, [0.5, 0.4, 0.3]), (1, 0.95, [0.46575, 0.385, 0.3]), (0.9, 0.5, [0.11425, 0.165, 0.3])],
)
def test_the_catalogues_numbers(gamma: float, lam: float, advantages: list[float]) -> None:
    assert found(gamma, lam)[0] == pytest.approx(advantages)


def test_returns_are_advantages_and_values_before_any_whitening() -> None:
    assert found(1, 0.95)[1] == pytest.approx([0.96575, 0.985, 1])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_at_lambda_one_the_advantage_is_the_discounted_return_less_the_value(seed: int, gamma: float) -> None:
    rewards, values, mask = drawn(seed)
    one = estimate(rewards, values, mask, gamma=gamma, lam=1)
    for b, t in mask.nonzero().tolist():
        tail = [gamma ** (s - t) * float(rewards[b, s]) for s in range(t, 6) if mask[b, s]]
        assert one.returns[b, t].item() == pytest.approx(sum(tail))
        assert one.advantages[b, t].item() == pytest.approx(sum(tail) - float(values[b, t]))


def test_at_lambda_zero_it_is_the_error_of_one_step() -> None:
    rewards, values, mask = drawn(1)
    one = estimate(rewards, values, mask, gamma=0.9, lam=0)
    after = torch.cat([values[:, 1:] * mask[:, 1:], torch.zeros(4, 1)], dim=1)
    assert torch.allclose(one.advantages, (rewards + 0.9 * after - values) * mask)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_it_is_the_decayed_sum_of_the_errors_of_one_step(gamma: float, lam: float, seed: int) -> None:
    """The definition, A_t = Σ_l (γλ)^l δ_{t+l}, as a matrix product over a whole row."""
    draw = torch.Generator().manual_seed(seed)
    rewards, values = (torch.randn(1, 5, generator=draw, dtype=torch.float64) for _ in range(2))
    errors = rewards + gamma * torch.cat([values[:, 1:], torch.zeros(1, 1)], 1) - values
    lag = torch.arange(5)[None, :] - torch.arange(5)[:, None]
    decay = torch.where(lag >= 0, torch.tensor(gamma * lam, dtype=torch.float64) ** lag.clamp(min=0), 0.0)
    one = estimate(rewards, values, torch.ones(1, 5), gamma=gamma, lam=lam)
    assert torch.allclose(one.advantages[0], decay @ errors[0], atol=1e-12)


def test_what_is_masked_is_zero_and_changes_nothing_whatever_it_holds() -> None:
    rewards, values, mask = drawn(2)
    one = estimate(rewards, values, mask, gamma=0.9, lam=0.8)
    other = estimate(rewards.masked_fill(~mask, torch.nan), values.masked_fill(~mask, 99.0), mask, gamma=0.9, lam=0.8)
    assert torch.equal(one.advantages, other.advantages)
    assert not one.advantages[~mask].any()
    assert not one.returns[~mask].any()


def test_a_tools_tokens_are_passed_over_as_if_they_were_not_there() -> None:
    rewards, values = row([0.1, 9, 9, 0.2, 1]), row([0.5, 8, 8, 0.6, 0.7])
    mask = torch.tensor([[True, False, False, True, True]])
    whole = estimate(rewards, values, mask, gamma=0.9, lam=0.8).advantages[mask]
    short = estimate(row([0.1, 0.2, 1]), row([0.5, 0.6, 0.7]), torch.ones(1, 3), gamma=0.9, lam=0.8).advantages[0]
    assert torch.allclose(whole, short)


def test_whitening_has_the_catalogues_numbers_and_bessels_deviation() -> None:
    advantages = row([0.46575, 0.385, 0.3])
    assert whiten(advantages, torch.ones(1, 3))[0].tolist() == pytest.approx([0.991344, 0.017092, -1.008436], abs=1e-5)


def test_whitening_without_centring_keeps_the_mean_and_looks_only_at_what_is_used() -> None:
    values, used = row([1, 2, 4, 99]), torch.tensor([[True, True, True, False]])
    white = whiten(values, used, centre=False)
    assert white[used].mean().item() == pytest.approx(7 / 3)
    assert white[used].std().item() == pytest.approx(1)
    assert white[0, 3] == 0


def test_of_one_token_or_none_there_is_nothing_to_whiten() -> None:
    values = row([3, 5])
    assert whiten(values, torch.tensor([[True, False]])).tolist() == [[0, 0]]
    assert whiten(values, torch.tensor([[True, False]]), centre=False).tolist() == [[3, 0]]
    assert whiten(values, torch.zeros(1, 2)).tolist() == [[0, 0]]


def test_a_perfect_critic_explains_all_a_constant_nothing_and_constant_returns_leave_it_open() -> None:
    returns, mask = row([0, 1, 2, 99]), torch.tensor([[True, True, True, False]])
    assert explained_variance(returns, returns, mask).item() == 1
    assert explained_variance(row([5, 5, 5, 0]), returns, mask).item() == pytest.approx(0)
    assert explained_variance(returns, row([1, 1, 1, 1]), mask).isnan()
