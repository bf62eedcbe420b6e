"""The soft Bellman losses: the catalogue's numbers, REINFORCE's gradient, telescoping residuals, finite differences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine.critic import soft_bellman
from workers.engine.critic.soft_bellman import ahead, first_states, policy_terms, residuals, suffix_sums, value_terms

VALUES, RATIOS, OUTCOME = torch.tensor([[0.2, 0.4, 0.6]]), torch.tensor([[0.5, -0.2, 0.1]]), torch.ones(1)
ALL = torch.ones(1, 3, dtype=torch.bool)


def drawn(seed: int, width: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Values, log-ratios, an answer's mask after two prompt tokens, and some of it as states, the first among them."""
    generator = torch.Generator().manual_seed(seed)
    values, ratios = torch.randn(2, 3, width, generator=generator, dtype=torch.float64)
    mask = (torch.arange(width) >= 2) & (torch.arange(width) < torch.tensor([[6], [5], [3]]))
    states = mask & ((torch.rand(3, width, generator=generator) < 0.5) | first_states(mask))
    return values, ratios, mask, states


def test_worked_values() -> None:
    found = ahead(RATIOS, ALL, ALL)
    torch.testing.assert_close(found.suffix, torch.tensor([[0.4, -0.1, 0.1]]))
    torch.testing.assert_close(value_terms(VALUES, found, OUTCOME, beta=0.1).sqrt(), torch.tensor([[0.76, 0.61, 0.39]]))
    assert value_terms(VALUES, found, OUTCOME, beta=0.1).mean().item() == pytest.approx(0.367267, abs=1e-6)
    left = residuals(VALUES, found, OUTCOME, ALL, beta=0.1)
    torch.testing.assert_close(left, torch.tensor([[0.15, 0.22, 0.39]]))
    torch.testing.assert_close(suffix_sums(left), torch.tensor([[0.76, 0.61, 0.39]]))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(0.01, 2))
def test_residuals_telescope_whatever_the_states(seed: int, beta: float) -> None:
    values, ratios, mask, states = drawn(seed)
    outcomes = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    found = ahead(ratios, mask, states)
    wanted = outcomes[:, None] - values - beta * found.suffix
    left = suffix_sums(residuals(values, found, outcomes, states, beta=beta))
    torch.testing.assert_close(left[states], wanted[states])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(0.01, 2))
def test_the_policys_gradient_is_that_of_reinforce(seed: int, beta: float) -> None:
    values, ratios, mask, states = drawn(seed)
    outcomes = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    policy = ratios.clone().requires_grad_()
    found = ahead(policy, mask, states)
    policy_terms(values, found, outcomes, beta=beta)[states].mean().backward()
    theirs = ratios.clone().requires_grad_()
    fixed, moving = ahead(ratios, mask, states), ahead(theirs, mask, states)
    advantages = outcomes[:, None] - values - beta * fixed.suffix
    (-2 * beta * (advantages * moving.action)[states].mean()).backward()
    torch.testing.assert_close(policy.grad, theirs.grad)
    assert policy.grad is not None
    assert not bool(policy.grad[~mask].any())


def test_where_the_policy_is_the_reference_the_value_is_fitted_to_the_outcome() -> None:
    values, _, mask, states = drawn(0)
    found = ahead(torch.zeros_like(values), mask, states)
    outcomes = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(value_terms(values, found, outcomes, beta=0.5), (values - outcomes[:, None]).square())


def test_one_state_is_the_whole_answer_and_every_token_a_step_of_one() -> None:
    _, ratios, mask, _ = drawn(3)
    whole = ahead(ratios, mask, first_states(mask))
    torch.testing.assert_close(whole.action[:, 2], torch.where(mask, ratios, 0.0).sum(-1))
    assert not bool(whole.following.any())
    torch.testing.assert_close(ahead(ratios, mask, mask).action[mask], ratios[mask])


@pytest.mark.parametrize("name", ["value", "policy", "pcl", "single"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    values, ratios, mask, states = drawn(1)
    outcomes = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)

    def loss(given: Tensor) -> Tensor:
        if name == "value":
            return value_terms(given, ahead(ratios, mask, states), outcomes, beta=0.3)[states]
        found = ahead(given, mask, states)
        if name == "single":
            return soft_bellman.single_step_terms(values, found, outcomes, states, beta=0.3)[states]
        if name == "pcl":
            return policy_terms(values, found, outcomes, beta=0.3, whole_gradient=True)[states]
        # What stops the gradient is held still, so that differences see no more than the gradient does.
        still = soft_bellman.Ahead(found.suffix, ahead(ratios, mask, states).following, found.action)
        return policy_terms(values, still, outcomes, beta=0.3)[states]

    assert torch.autograd.gradcheck(loss, (values if name == "value" else ratios).clone().requires_grad_())
