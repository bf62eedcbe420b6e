"""Natural gradient: the catalogue's example, conjugate gradient and Fisher products against closed forms, the search back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.engine.builders import random_sample, view
from workers.engine.modeling.models import Model
from workers.engine.sample import batch_of
from workers.engine.step_rules import adaptive_kl, conjugate_gradient, fisher
from workers.engine.step_rules.trust_region import Tried, full_step, search


def tiny() -> Model:
    return view(width=8, layers=1, inner=16, heads=2)


def test_the_catalogues_example() -> None:
    """g [1,2], F diag(2,4), δ .01: s [.5,.5], sᵀFs 1.5, Δθ .057735 each way, and a quadratic KL of exactly .01."""
    curvature = torch.tensor([2.0, 4.0], dtype=torch.float64)
    found = conjugate_gradient.solve(lambda v: curvature * v, torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert found.solution.tolist() == pytest.approx([0.5, 0.5])
    assert found.residual < 1e-10
    assert found.iterations == 2
    step = full_step(found.solution, curvature * found.solution, delta=0.01)
    assert step.tolist() == pytest.approx([0.0577350, 0.0577350])
    assert float(step.dot(curvature * step)) / 2 == pytest.approx(0.01)


@settings(max_examples=20)
@given(st.integers(1, 8), st.integers(0, 999))
def test_as_many_products_as_dimensions_solve_it_exactly(size: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    root, vector = (torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in ((size, size), (size,)))
    matrix = root @ root.T + torch.eye(size)
    found = conjugate_gradient.solve(lambda v: matrix @ v, vector, iterations=size, tolerance=0)
    assert torch.allclose(found.solution, torch.linalg.solve(matrix, vector), atol=1e-8)


def test_with_no_curvature_there_is_no_step_and_with_unit_curvature_it_is_the_gradient() -> None:
    gradient = torch.tensor([3.0, 4.0])
    flat = conjugate_gradient.solve(torch.zeros_like, gradient)
    assert not flat.solution.any()
    assert not full_step(flat.solution, torch.zeros(2), delta=0.01).any()
    even = conjugate_gradient.solve(lambda v: v, gradient).solution
    assert torch.allclose(full_step(even, even, delta=0.5), gradient / 5)


@pytest.mark.parametrize(("shape", "where"), [((5, 3), None), ((4, 4), None), ((5, 3), 2)])
def test_differentiating_the_kl_twice_gives_the_fisher_product(shape: tuple[int, int], where: int | None) -> None:
    """vᵀFv is the variance of the change of the logits under π, and half of it times ε² the KL of a step ε·v."""
    model = tiny()
    model.module.double()
    parameters = [parameter for parameter in model.module.parameters() if parameter.requires_grad]
    draw = torch.Generator().manual_seed(1)
    vector, other = (torch.cat([torch.randn(p.numel(), generator=draw, dtype=torch.float64) for p in parameters])
                     for _ in range(2))
    batch = batch_of([random_sample(length, seed=length, trained_from=where or 1) for length in shape])

    def logs() -> Tensor:
        return model.distributions(batch, temperature=0.7)

    def moved(by: float) -> Tensor:
        start = fisher.flat(parameters, parameters)
        fisher.place(start + by * vector, parameters)
        with torch.no_grad():
            there = logs()
        fisher.place(start, parameters)
        return there

    here = logs()
    product = fisher.product(here, parameters, vector)
    change = (moved(1e-5) - moved(-1e-5)) / 2e-5
    chances = here.detach().exp()
    closed = (chances * change.square()).sum() - (chances * change).sum(-1).square().sum()
    # The norms of the model are taken in float32, whatever its weights are.
    assert float(vector.dot(product)) == pytest.approx(float(closed), rel=1e-4)
    both_ways = sum(float(fisher.mean_kl(here.detach(), moved(by))) for by in (1e-3, -1e-3)) / 2
    assert both_ways == pytest.approx(float(closed) * 1e-6 / 2, rel=1e-2)
    assert float(other.dot(product)) == pytest.approx(float(vector.dot(fisher.product(logs(), parameters, other))), rel=1e-5)


def test_the_distributions_are_those_that_log_probs_are_read_from() -> None:
    model = tiny()
    batch = batch_of([random_sample(5, seed=1, trained_from=2), random_sample(3, seed=2)])
    found = model.distributions(batch, temperature=1.5).gather(-1, batch.ids[batch.mask].unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(found, model.score(batch, temperature=1.5).logprobs[batch.mask], atol=1e-5)


def test_the_search_goes_back_until_the_kl_is_kept_and_the_surrogate_rises() -> None:
    asked: list[float] = []

    def attempt(fraction: float) -> Tried:
        asked.append(fraction)
        return Tried(gain=fraction * (0.7 - fraction), kl=0.02 * fraction**2)

    found = search(attempt, delta=0.01, shrink=0.8, tries=10)
    assert asked == pytest.approx([1, 0.8, 0.64])
    assert found.fraction == pytest.approx(0.64)
    assert found.backtracks == 2
    asked.clear()
    assert search(attempt, delta=0.0, tries=3).fraction == 0
    assert asked == pytest.approx([1, 0.8, 0.64, 0])
    assert search(lambda fraction: Tried(gain=float("nan"), kl=0), delta=0.01).fraction == 0


@settings(max_examples=25, deadline=None)
@given(kl=st.floats(-9, 99), target=st.floats(0.1, 9), samples=st.integers(1, 512))
def test_the_adaptive_coefficient_goes_the_way_of_the_error_and_no_further_than_a_fifth(
    kl: float, target: float, samples: int
) -> None:
    found = adaptive_kl.adapted(0.2, kl, target=target, samples=samples, horizon=1000)
    assert (found > 0.2) == (kl > target) or abs(kl / target - 1) < 1e-9
    assert abs(found / 0.2 - 1) <= 0.2 * samples / 1000 + 1e-12


def test_the_adaptive_coefficient_has_the_catalogues_number_and_bounded_steps() -> None:
    assert adaptive_kl.adapted(0.2, 12, target=6, samples=256, horizon=10_000) == pytest.approx(0.201024)
    assert adaptive_kl.adapted(0.2, 6, target=6, samples=256, horizon=10_000) == 0.2
    assert adaptive_kl.adapted(0.2, -50, target=6, samples=256, horizon=10_000) == pytest.approx(0.2 * (1 - 0.2 * 0.0256))
    assert adaptive_kl.adapted(0.2, float("nan"), target=6, samples=256, horizon=10_000) == 0.2
