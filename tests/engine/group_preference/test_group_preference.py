"""Losses between groups of answers: the catalogue's numbers, what they reduce to, unbiasedness, gradients, groups of rankings."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine import members
from workers.engine.group_preference import Options, term, two_groups
from workers.engine.preference import Answers, terms
from workers.engine.preference import Options as PairOptions

H, RANKS = torch.tensor([1.0, 0.0, -0.5, -0.5]), torch.tensor([1, 1, 2, 2])
"""Log-ratios of a better group of two and of a worse one (survey §3.2.9)."""
NAMES = members.names("workers.engine.group_preference")


@pytest.mark.parametrize(("name", "options", "value"), [
    ("mdpo", Options(0.1), 0.644397), ("mipo", Options(0.1, debias=False), 16.0), ("mipo", Options(0.1), 15.75),
    ("plackett_luce", Options(1.0), None)])
def test_worked_values(name: str, options: Options, value: float | None) -> None:
    if value is None:
        found = term(name, torch.tensor([2.0, 1.0, 0.0]), torch.tensor([1, 2, 3]), options)
        assert found.item() == pytest.approx(0.720868, abs=1e-6)
    else:
        assert term(name, H, RANKS, options).item() == pytest.approx(value, abs=1e-5)


def test_mdpo_is_not_the_mean_of_its_pairs() -> None:
    pairs = [term("mdpo", torch.stack([w, l]), torch.tensor([1, 2]), Options(0.1)) for w in H[:2] for l in H[2:]]  # noqa: E741
    assert torch.stack(pairs).mean().item() == pytest.approx(0.644708, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(h_w=st.floats(-30, 30), h_l=st.floats(-30, 30), beta=st.floats(0.01, 5))
def test_one_answer_each_is_dpo_and_ipo_on_sums(h_w: float, h_l: float, beta: float) -> None:
    h = torch.tensor([h_w, h_l], dtype=torch.float64)
    pair = Answers(h, torch.zeros(2), torch.ones(2), torch.ones(2))
    for name, same in (("mdpo", "sigmoid"), ("plackett_luce", "sigmoid"), ("mipo", "ipo")):
        torch.testing.assert_close(term(name, h, torch.tensor([1, 2]), Options(beta)), terms(same, pair, PairOptions(beta))[0])


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.floats(-5, 5), min_size=5, max_size=5), order=st.permutations(range(5)))
def test_the_order_of_the_answers_does_not_matter(values: list[float], order: list[int]) -> None:
    h, ranks = torch.tensor(values, dtype=torch.float64), torch.tensor([1, 1, 1, 2, 2])
    for name in NAMES:
        torch.testing.assert_close(term(name, h[order], ranks[order], Options(0.3)), term(name, h, ranks, Options(0.3)))


def test_debiased_groups_of_three_give_what_endless_groups_would() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(1000, 6, generator=generator, dtype=torch.float64)
    ranks = torch.tensor([1, 1, 1, 2, 2, 2])
    plain, mended = (torch.stack([term("mipo", h, ranks, Options(1.0, debias=debias)) for h in drawn]).mean().item()
                     for debias in (False, True))
    assert plain - 0.25 == pytest.approx(2 / 3, abs=0.12)
    assert mended - 0.25 == pytest.approx(0.0, abs=0.12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    def loss(h: Tensor) -> Tensor:
        return term(name, h, torch.tensor([1, 1, 2, 2, 2]), Options(0.3))

    assert torch.autograd.gradcheck(loss, torch.randn(5, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize(("ranks", "size", "groups"), [
    ([1, 1, 2], 1, [1, 1, 2]), ([5, 2, 5], 0, [2, 1, 2]), ([1, 2, 3, 4], 0, [1, 1, 2, 2]), ([1, 2, 3, 4, 5], 1, [1, 0, 0, 0, 2]),
    ([1, 2, 2, 3], 0, [1, 1, 0, 2]), ([1, 2, 3, 3, 3, 3], 0, [1, 1, 0, 2, 2, 2]), ([3, 1, 2], 9, [2, 1, 0])])
def test_groups_of_a_ranking(ranks: list[float], size: int, groups: list[Any]) -> None:
    assert two_groups(torch.tensor(ranks), size).tolist() == groups


def test_a_policy_that_is_its_reference() -> None:
    zeros = torch.zeros(4)
    assert term("mdpo", zeros, RANKS, Options(0.1)).item() == pytest.approx(math.log(2))
    assert term("mipo", zeros, RANKS, Options(0.1)).item() == pytest.approx(25.0)
    assert term("plackett_luce", zeros, torch.tensor([1, 2, 3, 4]), Options(0.1)).item() == pytest.approx(math.log(24))
