"""Plackett-Luce, all pairs, binary cross-entropy and squared error: the catalogue's numbers, identities, finite differences."""

from itertools import pairwise as pairwise_of
from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from workers.engine.reward_models import binary, bradley_terry, pairwise, plackett_luce, squared_error

SCORES = st.lists(st.floats(-3, 3), min_size=2, max_size=5)


def double(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def by_orders(scores: Tensor, ranks: Tensor, top: int = 0) -> Tensor:
    """The mean over all orders that the ranks allow of the formula written out."""
    count = top or len(scores)
    orders = [order for order in permutations(range(len(scores)))
              if all(ranks[one] <= ranks[other] for one, other in pairwise_of(order))]
    chosen = range(min(count, len(scores)))
    return torch.stack([torch.stack([scores[list(order[at:])].logsumexp(0) - scores[order[at]] for at in chosen]).sum()
                        for order in orders]).mean()


def test_the_catalogues_rankings() -> None:
    assert float(plackett_luce.terms(double([2, 1, 0]), double([1, 2, 3]))) == pytest.approx(0.720868, abs=1e-6)
    assert float(plackett_luce.terms(double([1, 0]), double([1, 2]))) == pytest.approx(0.313262, abs=1e-6)
    assert float(pairwise.terms(double([2, 1, 0]), double([1, 2, 3]))) == pytest.approx((2 * 0.313262 + 0.126928) / 3, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(SCORES, st.data())
def test_rankings_agree_with_the_formula_over_all_orders_of_ties(scores: list[float], data: st.DataObject) -> None:
    size = len(scores)
    ranks = double(data.draw(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=size, max_size=size)))
    top = data.draw(st.integers(0, size))
    torch.testing.assert_close(plackett_luce.terms(double(scores), ranks, top=top), by_orders(double(scores), ranks, top))
    torch.testing.assert_close(plackett_luce.terms(double(scores) + 7, ranks), plackett_luce.terms(double(scores), ranks))
    torch.testing.assert_close(pairwise.terms(double(scores) + 7, ranks), pairwise.terms(double(scores), ranks))


@settings(max_examples=15, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_two_answers_give_bradley_terry(chosen: float, rejected: float) -> None:
    wanted = bradley_terry.terms(double([chosen]), double([rejected]))[0]
    for member in (plackett_luce, pairwise):
        torch.testing.assert_close(member.terms(double([rejected, chosen]), double([2, 1])), wanted)
    torch.testing.assert_close(binary.terms(double([chosen - rejected]), double([1])), wanted[None])


def test_edges_of_rankings() -> None:
    one = double([1.5]).requires_grad_()
    plackett_luce.terms(one, double([1])).backward()
    assert one.grad is not None
    assert float(one.grad) == 0
    assert float(pairwise.terms(double([1, 2]), double([1, 1]))) == 0
    assert float(plackett_luce.terms(double([0, 0]), double([1, 1]))) == pytest.approx(0.693147, abs=1e-6)
    first = pairwise.terms(double([0, 5, 0]), double([1, 2, 3]), top=1)
    assert float(first) == pytest.approx((5.006715 + 0.693147) / 2, abs=1e-5)
    with pytest.raises(ValueError, match="at most 10"):
        plackett_luce.terms(torch.zeros(11), torch.ones(11))


@settings(max_examples=15, deadline=None)
@given(st.floats(-30, 30), st.floats(0, 1))
def test_the_binary_loss_is_the_cross_entropy_of_two_classes(score: float, label: float) -> None:
    """As a token classifier of two labels computes it, which is TRL's process reward model."""
    logits, labels = double([0, score])[None], double([1 - label, label])[None]
    torch.testing.assert_close(binary.terms(double([score]), double([label]))[0], F.cross_entropy(logits, labels))


def test_worked_labels_and_grades() -> None:
    found = binary.terms(double([1.0, 1.0, 0.0, 1e4]), double([1.0, 0.0, 0.25, 0.0]))
    assert found.tolist() == pytest.approx([0.313262, 1.313262, 0.693147, 1e4], abs=1e-6)
    assert squared_error.terms(double([1.5]), double([-0.5])).item() == 4.0


def test_gradients_agree_with_finite_differences() -> None:
    scores = double([0.3, -1.0, 2.0, 0.1]).requires_grad_()
    for ranks in (double([1, 2, 3, 4]), double([2, 1, 1, 3])):
        for member in (plackett_luce, pairwise):
            assert torch.autograd.gradcheck(lambda given, one=member, by=ranks: one.terms(given, by), scores)
    assert torch.autograd.gradcheck(lambda given: binary.terms(given, double([0, 1, 0.3, 0.9])), scores)
    assert torch.autograd.gradcheck(lambda given: squared_error.terms(given, double([0, 1, 2, 3])), scores)
