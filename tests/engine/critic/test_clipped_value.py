"""The critic's loss: worked numbers, finite differences, and where the clip cuts the gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine.critic.clipped_value import terms


def one(value: float, old: float, target: float, cliprange: float | None) -> tuple[float, float, bool]:
    """The term, its derivative in the value, and whether it was clipped."""
    given = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    found = terms(given, torch.tensor(old, dtype=torch.float64), torch.tensor(target, dtype=torch.float64), cliprange=cliprange)
    found.terms.backward()
    assert given.grad is not None
    return found.terms.item(), given.grad.item(), bool(found.clipped)


@pytest.mark.parametrize(
    ("value", "old", "target", "expected"),
    [
        (1.0, 0.5, 2.0, (0.845, 0.0, True)),  # went further than 0.2 the right way: nothing more to gain
        (0.6, 0.5, 2.0, (0.98, -1.4, False)),  # within the range: ½(V − R)²
        (0.0, 0.5, 2.0, (2.0, -2.0, False)),  # went the wrong way: the whole gradient brings it back
        (2.0, 0.5, 2.0, (0.845, 0.0, True)),  # right already, and yet held to account for having moved too far
    ],
)
def test_single_values_give_the_worked_term_and_slope(
    value: float, old: float, target: float, expected: tuple[float, float, bool]
) -> None:
    assert one(value, old, target, 0.2) == pytest.approx(expected)


def test_without_a_range_it_is_half_the_square() -> None:
    assert one(1.0, -9.0, 2.0, None) == pytest.approx((0.5, -1.0, False))


@settings(max_examples=25, deadline=None)
@given(value=st.floats(-5, 5), old=st.floats(-5, 5), target=st.floats(-5, 5), cliprange=st.floats(0, 3))
def test_clipping_never_lowers_the_term_and_reduces_to_the_plain_one(
    value: float, old: float, target: float, cliprange: float
) -> None:
    plain = one(value, old, target, None)
    assert one(value, old, target, cliprange)[0] >= plain[0]
    assert one(value, old, target, 11.0) == plain
    assert one(value, value, target, cliprange)[0] == plain[0]


def test_gradients_agree_with_finite_differences() -> None:
    draw = torch.Generator().manual_seed(0)
    values, old, target = (torch.randn(3, 4, generator=draw, dtype=torch.float64) for _ in range(3))
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: terms(v, old, target, cliprange=0.3).terms.sum(), (values,))


def test_no_gradient_reaches_the_old_values_or_the_returns() -> None:
    values, old, target = (torch.randn(2, 2, requires_grad=True) for _ in range(3))
    terms(values, old, target, cliprange=0.2).terms.sum().backward()
    assert values.grad is not None
    assert old.grad is None
    assert target.grad is None
