"""Minimum risk: the catalogue's numbers, its gradient by identity and by finite differences, the two ends of α, edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine.group_losses.minimum_risk import effective, risk

SCORES, RISKS = torch.tensor([-1.0, -2, -3], dtype=torch.float64), torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
GROUP = torch.zeros(3, dtype=torch.int64)


@pytest.mark.parametrize(("alpha", "expected"), [(1, 0.336440), (0.005, 0.532167), (0, 0.533333)])
def test_the_catalogues_numbers(alpha: float, expected: float) -> None:
    assert float(risk(SCORES, RISKS, GROUP, alpha=alpha).terms.sum()) == pytest.approx(expected, abs=1e-6)


def test_the_catalogues_weights_and_how_many_candidates_carry_them() -> None:
    weights = risk(SCORES, RISKS, GROUP, alpha=1).weights
    assert weights.tolist() == pytest.approx([0.665241, 0.244728, 0.090031], abs=1e-6)
    assert effective(weights, GROUP).tolist() == pytest.approx([1 / (0.665241**2 + 0.244728**2 + 0.090031**2)], abs=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0.01, 2))
def test_the_gradient_is_that_of_reinforce_with_the_expected_risk_as_baseline(seed: int, alpha: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    scores, risks = (torch.randn(5, generator=draw, dtype=torch.float64) for _ in range(2))
    groups = torch.tensor([3, 7, 3, 7, 7])
    scores.requires_grad_()
    found = risk(scores, risks, groups, alpha=alpha)
    ours, = torch.autograd.grad(found.terms.sum(), scores)
    for group in (3, 7):
        inside = groups == group
        chance = torch.softmax(alpha * scores[inside].detach(), 0)
        assert torch.allclose(found.weights[inside], chance)
        assert torch.allclose(ours[inside], alpha * chance * (risks[inside] - (chance * risks[inside]).sum()))

    def at(moved: torch.Tensor) -> float:
        return float(risk(moved, risks, groups, alpha=alpha).terms.sum())

    here = scores.detach()
    numeric = [(at(here + step) - at(here - step)) / 2e-6 for step in 1e-6 * torch.eye(5, dtype=torch.float64)]
    assert ours.tolist() == pytest.approx(numeric, abs=1e-6)


def test_over_all_answers_at_alpha_one_it_is_the_expected_risk() -> None:
    logits = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64, requires_grad=True)
    logs = torch.log_softmax(logits, 0)
    ours, = torch.autograd.grad(risk(logs, RISKS, GROUP, alpha=1).terms.sum(), logits, retain_graph=True)
    exact, = torch.autograd.grad((logs.exp() * RISKS).sum(), logits)
    assert torch.allclose(ours, exact)


def test_equal_risks_and_single_candidates_have_a_gradient_of_exactly_zero() -> None:
    scores = torch.randn(4, requires_grad=True)
    found = risk(scores, torch.tensor([0.7, 0.7, 0.7, 0.1]), torch.tensor([0, 0, 0, 1]), alpha=0.3)
    assert found.terms.sum().item() == pytest.approx(0.8)
    assert not torch.autograd.grad(found.terms.sum(), scores)[0].any()


def test_what_has_no_risk_is_no_candidate_and_a_group_of_such_adds_nothing() -> None:
    scores = torch.tensor([-1.0, -2, -3, -4, -5], requires_grad=True)
    groups, gap = torch.tensor([0, 0, 0, 0, 1]), math.nan
    found = risk(scores, torch.tensor([0.2, gap, 0.5, 0.9, gap]), groups, alpha=1)
    kept = risk(scores[[0, 2, 3]], torch.tensor([0.2, 0.5, 0.9]), groups[[0, 2, 3]], alpha=1)
    assert found.terms[[0, 2, 3]].tolist() == pytest.approx(kept.terms.tolist())
    assert found.terms[[1, 4]].tolist() == [0, 0]
    gradient, = torch.autograd.grad(found.terms.sum(), scores)
    assert gradient.isfinite().all()
    assert gradient[[1, 4]].tolist() == [0, 0]
    assert len(effective(found.weights, groups)) == 1
