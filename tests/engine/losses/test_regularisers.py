"""KL estimators against the survey's worked values and the gradients they truly have."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine.divergences import reverse_kl
from workers.engine.members import names
from workers.engine.regularisers import divergence

POLICY = torch.tensor([-1.0, -0.5, -2.0], dtype=torch.float64)
REFERENCE = torch.tensor([-1.2, -0.4, -2.5], dtype=torch.float64)
VALUES = {
    "k1": [0.2, -0.1, 0.5],
    "k2": [0.02, 0.005, 0.125],
    "k3": [0.018731, 0.005171, 0.106531],
    "k3_plus": [0.018731, 0.005171, 0.106531],
}


@pytest.mark.parametrize("name", names("workers.engine.regularisers"))
def test_values_are_the_worked_ones(name: str) -> None:
    assert divergence(name)(POLICY, REFERENCE).tolist() == pytest.approx(VALUES[name], abs=1e-6)


@pytest.mark.parametrize("name", names("workers.engine.regularisers"))
def test_equal_policies_have_no_divergence(name: str) -> None:
    assert not divergence(name)(POLICY, POLICY).any()


@pytest.mark.parametrize("name", ["k1", "k2", "k3"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    assert torch.autograd.gradcheck(lambda p: divergence(name)(p, REFERENCE), (POLICY.clone().requires_grad_(),))


def expected_gradient(name: str, logits: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Σ_v π_v ∇k(v): what differentiating the estimator as a loss gives in expectation over π's own samples."""
    logits = logits.clone().requires_grad_()
    policy = logits.log_softmax(-1)
    (policy.detach().exp() * divergence(name)(policy, reference)).sum().backward()
    assert logits.grad is not None
    return logits.grad


@pytest.mark.parametrize(("name", "right"), [("k1", False), ("k2", True), ("k3", False), ("k3_plus", True)])
def test_only_k2_and_k3_plus_have_the_gradient_of_the_divergence(name: str, right: bool) -> None:
    logits = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    reference = torch.tensor([-0.2, 0.4, 0.1], dtype=torch.float64).log_softmax(-1)
    exact = logits.clone().requires_grad_()
    log_policy = exact.log_softmax(-1)
    (log_policy.exp() * (log_policy - reference)).sum().backward()
    assert exact.grad is not None
    assert torch.allclose(expected_gradient(name, logits, reference), exact.grad) is right


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=2, max_size=6))
def test_over_all_tokens_k1_and_k3_are_the_divergence_and_k3_is_never_negative(logits: list[tuple[float, float]]) -> None:
    policy, reference = torch.tensor(logits, dtype=torch.float64).log_softmax(0).unbind(1)
    whole = float((policy.exp() * (policy - reference)).sum())
    k1, k2, k3, k3_plus = (divergence(name)(policy, reference) for name in ("k1", "k2", "k3", "k3_plus"))
    for estimated in (k1, k3, k3_plus):
        assert float((policy.exp() * estimated).sum()) == pytest.approx(whole, abs=1e-9)
    assert bool((k3 >= -1e-12).all())
    assert torch.allclose(k2, k1.square() / 2)


def test_k1_has_an_expected_gradient_of_zero() -> None:
    reference = torch.tensor([-1.0, -1.0, -1.0], dtype=torch.float64)
    gradient = expected_gradient("k1", torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64), reference)
    assert gradient.abs().max() < 1e-12


def test_the_reference_gets_no_gradient_and_huge_differences_stay_finite() -> None:
    reference = torch.tensor([0.0, 300.0], requires_grad=True)
    policy = torch.tensor([-300.0, 0.0], requires_grad=True)
    value = divergence("k3")(policy, reference)
    value.sum().backward()
    assert value.isfinite().all()
    assert reference.grad is None


def test_the_gradients_of_a_small_categorical_are_exactly_those_that_are_said() -> None:
    """As a loss: k1 nothing, k2 and k3_plus KL(π‖π_ref), k3 KL(π_ref‖π). In the reward k1 has that of KL(π‖π_ref)."""
    logits = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    reference = torch.tensor([-0.2, 0.4, 0.1], dtype=torch.float64).log_softmax(-1)
    own = logits.clone().requires_grad_()
    log_policy = own.log_softmax(-1)
    reverse, = torch.autograd.grad((log_policy.exp() * (log_policy - reference)).sum(), own, retain_graph=True)
    forward, = torch.autograd.grad((reference.exp() * (reference - log_policy)).sum(), own, retain_graph=True)
    right = {"k1": torch.zeros(3, dtype=torch.float64), "k2": reverse, "k3": forward, "k3_plus": reverse}
    for name, gradient in right.items():
        assert torch.allclose(expected_gradient(name, logits, reference), gradient), name
    assert (forward - reverse).norm() > 0.1 * reverse.norm()
    penalty = divergence("k1")(log_policy, reference).detach()
    scored, = torch.autograd.grad((log_policy.detach().exp() * penalty * log_policy).sum(), own)
    assert torch.allclose(scored, reverse)
    full = reverse_kl.divergence(own.log_softmax(-1)[None], reference[None]).sum()
    assert torch.allclose(torch.autograd.grad(full, own)[0], reverse)
