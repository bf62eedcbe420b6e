"""Reducers against the survey's worked example: L = [[1,1,·,·],[2,2,2,2]]."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers.engine.sample import Counts
from workers.engine.training.reducers import Reduction, reduce


def count(mask: torch.Tensor, pieces: int = 1) -> Counts:
    return Counts(float(mask.sum()), len(mask), pieces, mask.shape[1])


TERMS = torch.tensor([[1.0, 1.0, float("nan"), 7.0], [2.0, 2.0, 2.0, 2.0]])
MASK = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])


@pytest.mark.parametrize(
    ("how", "value"),
    [
        (Reduction.TOKEN_MEAN, 10 / 6),
        (Reduction.TOKEN_MEAN_LOCAL, 10 / 6),
        (Reduction.SEQ_MEAN_TOKEN_MEAN, 1.5),
        (Reduction.SEQ_MEAN_TOKEN_SUM, 5.0),
        (Reduction.CONST, 1.25),
    ],
)
def test_each_reduction_gives_the_worked_value_and_ignores_what_is_masked(how: Reduction, value: float) -> None:
    assert reduce(TERMS, MASK, count(MASK), how).item() == pytest.approx(value)


def pieced(terms: torch.Tensor, mask: torch.Tensor, sizes: list[int], how: Reduction) -> torch.Tensor:
    counts = count(mask, len(sizes))
    parts = zip(terms.split(sizes), mask.split(sizes), strict=True)
    return torch.stack([reduce(a, b, counts, how) for a, b in parts]).sum()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 2**31), st.sampled_from(list(Reduction)))
def test_splitting_into_micro_batches_changes_nothing_with_global_counts(sizes: list[int], seed: int, how: Reduction) -> None:
    generator = torch.Generator().manual_seed(seed)
    terms = torch.randn(sum(sizes), 6, generator=generator, dtype=torch.float64)
    mask = torch.rand(sum(sizes), 6, generator=generator) < 0.6
    whole, parts = pieced(terms, mask, [sum(sizes)], how), pieced(terms, mask, sizes, how)
    if how is not Reduction.TOKEN_MEAN_LOCAL:
        assert parts.item() == pytest.approx(whole.item(), abs=1e-12)


def test_a_local_mean_does_depend_on_the_split() -> None:
    whole, parts = (pieced(TERMS, MASK, sizes, Reduction.TOKEN_MEAN_LOCAL).item() for sizes in ([2], [1, 1]))
    assert [whole, parts] == pytest.approx([10 / 6, 1.5])


@pytest.mark.parametrize("how", list(Reduction))
def test_an_empty_mask_reduces_to_zero_with_zero_gradient(how: Reduction) -> None:
    terms = torch.full((2, 3), float("nan"), requires_grad=True)
    value = reduce(terms, torch.zeros(2, 3), Counts(0, 0), how)
    value.backward()
    assert value.item() == 0
    assert terms.grad is not None
    assert not terms.grad.any()
