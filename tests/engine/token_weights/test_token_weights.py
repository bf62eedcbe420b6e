"""Token weights: worked by hand, and what each reduces to."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine import members, token_weights
from workers.engine.token_weights import Options, weigh

MASK = torch.tensor([[0, 1, 1, 1, 1], [0, 1, 1, 0, 0]]).bool()
"""A chosen answer of four tokens and a rejected one of two."""


@pytest.mark.parametrize(("name", "chosen", "rejected", "lengths"), [
    ("uniform", [0, 1, 1, 1, 1], [0, 1, 1, 0, 0], [4, 2]),
    ("length_mean", [0, 0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0, 0], [1, 1]),
    ("ld", [0, 1, 1, 0.3, 0.3], [0, 1, 1, 0, 0], [4, 2])])
def test_worked_weights(name: str, chosen: list[float], rejected: list[float], lengths: list[int]) -> None:
    found = weigh(name, MASK, Options(alpha=0.3))
    torch.testing.assert_close(found.tokens, torch.tensor([chosen, rejected], dtype=torch.float32))
    assert found.lengths.tolist() == lengths


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 6), min_size=2, max_size=6).filter(lambda found: len(found) % 2 == 0))
def test_ld_at_one_is_uniform_and_at_zero_compares_equal_lengths(lengths: list[int]) -> None:
    mask = torch.arange(7) < torch.tensor(lengths)[:, None]
    assert torch.equal(weigh("ld", mask, Options(alpha=1.0)).tokens, weigh("uniform", mask, Options()).tokens)
    counted = weigh("ld", mask, Options(alpha=0.0)).tokens.sum(-1)
    assert torch.equal(counted[0::2], counted[1::2])


@pytest.mark.parametrize("name", members.names("workers.engine.token_weights"))
def test_nothing_counts_off_the_mask_not_even_in_an_empty_row(name: str) -> None:
    mask = torch.cat([MASK, torch.zeros_like(MASK)])
    found = weigh(name, mask, Options())
    assert not bool(found.tokens[~mask].any())
    assert bool(found.tokens.isfinite().all())


def test_a_weighting_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="length_mean"):
        token_weights.weigh("none", MASK, Options())
