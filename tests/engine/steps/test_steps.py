"""Steps: where they end, the catalogue's aggregates, what a step earns, and the channels that credit reads."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine import members, step_aggregation
from workers.engine.data.steps import StepValues, give_steps, text_ends, token_ends
from workers.engine.rewarding.step_shaping import step_rewards
from workers.engine.sample import Sample
from workers.engine.step_aggregation import aggregation

CHANCES = torch.tensor([0.9, 0.8, 0.95], dtype=torch.float64)
Words: Any = SimpleNamespace(decode=lambda ids, skip_special_tokens: "".join("ab|cd"[one] for one in ids if one < 5))


@pytest.mark.parametrize(("name", "value"), [
    ("min", 0.8), ("prod", 0.684), ("last", 0.95), ("mean", 0.8833333), ("max", 0.95),
    ("logit_sum", math.log(9) + math.log(4) + math.log(19))])
def test_the_catalogues_steps(name: str, value: float) -> None:
    assert float(aggregation(name)(CHANCES)) == pytest.approx(value)


def test_every_aggregation_is_named_here() -> None:
    assert set(members.names(step_aggregation.__name__)) == {"min", "prod", "last", "mean", "max", "logit_sum"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6))
def test_one_step_gives_itself_and_a_product_is_at_most_the_lowest(chances: list[float]) -> None:
    scores = torch.tensor(chances, dtype=torch.float64)
    for name in ("min", "prod", "last", "mean", "max"):
        assert float(aggregation(name)(scores[:1])) == pytest.approx(chances[0])
    assert float(aggregation("prod")(scores)) <= float(aggregation("min")(scores)) + 1e-12
    assert math.isfinite(float(aggregation("logit_sum")(torch.cat([scores, torch.tensor([0.0, 1.0])]))))
    assert float(step_rewards(scores, "potential").sum()) == pytest.approx(-0.5)
    assert float(step_rewards(scores, "progress").sum()) == pytest.approx(chances[-1] - 0.5)
    assert torch.equal(step_rewards(scores, "value"), scores)


@pytest.mark.parametrize("name", members.names(step_aggregation.__name__))
def test_gradients_agree_with_finite_differences(name: str) -> None:
    assert torch.autograd.gradcheck(aggregation(name), CHANCES.clone().requires_grad_())


@pytest.mark.parametrize(("text", "ends"), [
    ("a\nb\nc", [2, 4, 5]), ("a\n\n\nb\n", [2, 6]), ("", []), (" \n ", []), ("one step", [8]), ("\na\nb  \n\n", [3, 8])])
def test_steps_end_with_their_separator_and_the_last_with_the_answer(text: str, ends: list[int]) -> None:
    assert text_ends(text, "\n") == ends


def test_a_step_ends_with_the_token_that_completes_its_text() -> None:
    assert token_ends(Words, [0, 2, 1, 2, 3], [2, 4, 5]) == [1, 3, 4]
    assert token_ends(Words, [0, 2, 1], [99]) == [2]


def test_channels_hold_a_steps_reward_at_its_last_token_and_the_last_ones_at_the_end_mark() -> None:
    answered = Sample(ids=torch.tensor([7, 7, 0, 2, 1, 2, 3, 9]), mask=torch.arange(8) >= 2, prompt_length=2)
    empty = Sample(ids=torch.tensor([7, 7]), mask=torch.zeros(2, dtype=torch.bool), prompt_length=2)
    give_steps(Words, [answered, empty], [StepValues((2, 4, 5), (0.5, 0.25, 1.0)), StepValues((1,), (1.0,))])
    assert answered.channels["step_rewards"].tolist() == [0, 0, 0, 0.5, 0, 0.25, 0, 1.0]
    assert answered.channels["step_ends"].tolist() == [0, 0, 0, 1, 0, 1, 0, 1]
    assert empty.channels["step_ends"].tolist() == [0, 0]


def test_values_of_two_terms_at_one_place_are_added_by_weight() -> None:
    found = StepValues((2, 4), (1.0, 1.0)).plus(StepValues((3, 4), (2.0, 2.0)), 0.5)
    assert found == StepValues((2, 3, 4), (1.0, 1.0, 2.0))
