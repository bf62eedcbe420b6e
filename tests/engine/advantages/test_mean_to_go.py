"""The discounted mean of what follows: worked numbers, its two ends, gaps in the mask."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine.advantages.mean_to_go import advantages
from workers.engine.divergences import reverse_kl
from workers.engine.policy_losses import clipped

NONE = torch.zeros(1, dtype=torch.int64)


def test_worked_numbers() -> None:
    """γ ½ of 1, 2, 3: (1 + 1 + ¾)/1¾, (2 + 1½)/1½, 3."""
    rewards, mask = torch.tensor([[9.0, 1.0, 2.0, 3.0]]), torch.tensor([[False, True, True, True]])
    assert advantages(rewards, mask, NONE, gamma=0.5)[0].tolist() == pytest.approx([0, 2.75 / 1.75, 3.5 / 1.5, 3])


def test_tokens_that_are_not_trained_are_no_steps() -> None:
    rewards, gap = torch.tensor([[1.0, float("nan"), 3.0]]), torch.tensor([[True, False, True]])
    assert advantages(rewards, gap, NONE, gamma=0.5)[0].tolist() == pytest.approx([2.5 / 1.5, 0, 3])
    assert not advantages(torch.tensor([[1.0, float("nan")]]), torch.ones(1, 2), NONE).any()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8))
def test_its_ends_are_the_tokens_own_and_the_plain_mean(values: list[float]) -> None:
    rewards, mask = torch.tensor([values]), torch.ones(1, len(values), dtype=torch.bool)
    assert torch.allclose(advantages(rewards, mask, NONE, gamma=0.0), rewards)
    means = [sum(values[step:]) / (len(values) - step) for step in range(len(values))]
    assert torch.allclose(advantages(rewards, mask, NONE, gamma=1.0)[0], torch.tensor(means), atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_teachers_log_ratio_has_the_reverse_kls_gradient(seed: int) -> None:
    """Σ_y p_S(y) ∇(−ρ A) with A = log p_T − log p_S at γ = 0 is ∇KL(p_S‖p_T): exact distillation by policy gradient."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 7, generator=draw, dtype=torch.float64).requires_grad_()
    teacher = torch.log_softmax(torch.randn(1, 7, generator=draw, dtype=torch.float64), -1)
    student = torch.log_softmax(logits, -1)
    every = torch.ones(1, 7, dtype=torch.bool)  # each column stands for one answer of one token
    taken = advantages(teacher - student.detach(), every, NONE, gamma=0.0)
    terms = clipped.terms(student, student.detach(), taken, every).terms
    (ours,) = torch.autograd.grad((student.detach().exp() * terms).sum(), logits, retain_graph=True)
    (wanted,) = torch.autograd.grad(reverse_kl.divergence(student, teacher).sum(), logits)
    assert torch.allclose(ours, wanted)
