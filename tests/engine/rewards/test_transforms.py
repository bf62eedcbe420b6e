"""Transforms and gates against their closed forms, alone and within a pipeline."""

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from workers.contract.run_spec import Gate, RewardPipeline, RewardTerm, Transform
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.rewarding.reward_pipeline import Pipeline, Rewards, measures
from workers.engine.rewarding.reward_transforms import is_open, transformed

NAN = math.nan
TRANSFORM: TypeAdapter[Transform] = TypeAdapter(Transform)


def after(values: list[float], *given: dict[str, object], groups: list[int] | None = None) -> list[float]:
    numbers = torch.tensor(groups or [0] * len(values))
    chain = [TRANSFORM.validate_python(one) for one in given]
    return transformed(torch.tensor(values, dtype=torch.float64), chain, numbers).tolist()


def test_clip_binds_on_each_side_that_is_set() -> None:
    assert after([-2, 0.5, 3], {"kind": "clip", "low": -1, "high": 1}) == [-1, 0.5, 1]
    assert after([-2, 0.5, 3], {"kind": "clip", "high": 1}) == [-2, 0.5, 1]
    assert after([-2, 3], {"kind": "clip"}) == [-2, 3]


def test_affine_is_factor_times_value_plus_offset() -> None:
    assert after([1, -2], {"kind": "affine", "factor": -3, "offset": 0.5}) == [-2.5, 6.5]


def test_threshold_counts_the_bound_itself_as_reached() -> None:
    assert after([0.49, 0.5, 0.51], {"kind": "threshold", "at": 0.5}) == [0, 1, 1]


def test_sigmoids_follow_their_formulas() -> None:
    expected = [1 / (1 + math.exp(-(x - 0.5))) for x in (-1, 2)]
    assert after([-1, 2], {"kind": "sigmoid", "centre": 0.5}) == pytest.approx(expected)
    assert after([-1, 2], {"kind": "log_sigmoid", "centre": 0.5}) == pytest.approx([math.log(p) for p in expected])
    assert after([-1000], {"kind": "log_sigmoid"}) == pytest.approx([-1000])


def test_whitening_over_the_batch_and_over_groups() -> None:
    # mean 2.5, Bessel deviation √(5/3); in groups (1, 2) and (3, 4): ∓0.5 / √0.5
    batch = [x / math.sqrt(5 / 3) for x in (-1.5, -0.5, 0.5, 1.5)]
    assert after([1, 2, 3, 4], {"kind": "whiten"}) == pytest.approx(batch)
    group = 0.5 / math.sqrt(0.5)
    assert after([1, 2, 3, 4], {"kind": "whiten", "over": "group"}, groups=[7, 7, 3, 3]) == pytest.approx([-group, group] * 2)


def test_whitening_of_one_value_and_of_equals_is_zero_and_missing_values_do_not_count() -> None:
    assert after([5], {"kind": "whiten"}) == [0]
    assert after([5, 5, 5], {"kind": "whiten"}) == [0, 0, 0]
    found = after([1, NAN, 3], {"kind": "whiten"})
    assert found[0] == pytest.approx(-1 / math.sqrt(2))
    assert math.isnan(found[1])


@pytest.mark.parametrize("kind", ["clip", "affine", "threshold", "sigmoid", "log_sigmoid", "whiten"])
def test_a_missing_value_stays_missing(kind: str) -> None:
    found = after([NAN, 1.0], {"kind": kind})
    assert [math.isnan(value) for value in found] == [True, False]


def test_transforms_run_in_the_order_written() -> None:
    double, cap = {"kind": "affine", "factor": 2}, {"kind": "clip", "high": 1}
    assert after([0.8], double, cap) == [1]
    assert after([0.8], cap, double) == [1.6]


def test_a_gate_is_open_within_its_bounds_and_without_a_value() -> None:
    values = torch.tensor([0.0, 1.0, 2.0, NAN])
    assert is_open(values, Gate(at_least=1)).tolist() == [False, True, True, True]
    assert is_open(values, Gate(at_most=1)).tolist() == [True, True, False, True]
    assert is_open(values, Gate(at_least=1, at_most=1)).tolist() == [False, True, False, True]


@pytest.mark.parametrize(("given", "says"), [
    ({"gate": {}}, "no bound"),
    ({"gate": {"at_least": 2, "at_most": 1}}, "swap the bounds"),
    ({"transforms": [{"kind": "clip", "low": 2, "high": 1}]}, "swap them"),
    ({"transforms": [{"kind": "square"}]}, "square"),
])
def test_a_gate_or_transform_that_makes_no_sense_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RewardTerm.model_validate({"name": "a", "kind": "length"} | given)


def scored(terms: list[dict[str, Any]], completions: list[str], **spec: object) -> tuple[Pipeline, Rewards]:
    """Scores answers whose number of tokens is their number of letters; the reference is always “4”."""
    made = Pipeline(RewardPipeline.model_validate({"terms": terms} | spec))
    count = len(completions)
    return made, made.score(prompts=["2+2="] * count, completions=completions,
                            completion_ids=[list(range(len(text))) for text in completions], columns={"answer": ["4"] * count})


SHORT: dict[str, Any] = {"name": "short", "kind": "length", "params": {"mode": "penalty", "limit": 10}}
RIGHT: dict[str, Any] = {"name": "right", "kind": "numeric_match"}


def test_the_transformed_value_is_weighted_and_the_raw_one_kept() -> None:
    made, found = scored([SHORT | {"weight": 2, "transforms": [{"kind": "affine", "factor": 10, "offset": 5}]}], ["4", "abcd"])
    assert found.total.tolist() == [8, 2]
    assert found.of(1) == {"short": -0.4}
    assert found.transformed_of(1) == {"short": 1.0}
    assert measures(made, found) == pytest.approx(
        {"rewards/short/mean": -0.25, "rewards/short/std": 0.3 / math.sqrt(2), "rewards/short/transformed": 2.5})


def test_a_closed_gate_gives_its_own_value_and_an_open_one_adds_nothing() -> None:
    gate = SHORT | {"gate": {"at_least": -0.2, "otherwise": -1}}
    made, found = scored([RIGHT, gate], ["4", "is 4", "7"])
    assert found.total.tolist() == [1, -1, 0]
    assert measures(made, found)["rewards/short/open"] == pytest.approx(2 / 3)
    assert measures(made, found)["rewards/right/mean"] == pytest.approx(2 / 3)


def test_of_two_closed_gates_the_first_decides() -> None:
    long = SHORT | {"name": "long", "gate": {"at_most": -0.5, "otherwise": 3}}
    _, found = scored([RIGHT, SHORT | {"gate": {"at_least": 0, "otherwise": -1}}, long], ["4"])
    assert found.total.tolist() == [-1]


def test_a_product_and_a_minimum_leave_gates_out() -> None:
    gate = SHORT | {"gate": {"at_least": -1}}
    assert scored([RIGHT, gate], ["4"], aggregate="product")[1].total.tolist() == [1]
    assert scored([RIGHT, gate], ["4"], aggregate="min")[1].total.tolist() == [1]


def test_a_transform_that_leaves_the_numbers_is_a_broken_value() -> None:
    far = SHORT | {"transforms": [{"kind": "affine", "factor": 1e308}, {"kind": "affine", "factor": 1e308}]}
    with pytest.raises(RewardFault, match="its transforms made -inf") as caught:
        scored([RIGHT, far], ["4"])
    assert caught.value.field == "reward.terms.1"
    assert scored([RIGHT, far], ["4"], on_nan="zero")[1].total.tolist() == [1]
    assert math.isnan(scored([RIGHT, far], ["4"], on_nan="drop")[1].total.item())


def test_a_reward_of_gates_alone_is_refused() -> None:
    with pytest.raises(ConfigFault, match="Every reward term is a gate"):
        scored([SHORT | {"gate": {"at_least": 0}}], ["4"])


def test_groups_are_told_or_are_the_equal_prompts() -> None:
    white = [SHORT | {"transforms": [{"kind": "whiten", "over": "group"}]}]
    made = Pipeline(RewardPipeline.model_validate({"terms": white}))
    given: dict[str, Any] = {"prompts": ["a", "b", "a", "b"], "completions": [""] * 4, "completion_ids": [[], [], [1], [1]],
                             "columns": {}}
    half = 1 / math.sqrt(2)
    assert made.score(**given).total.tolist() == pytest.approx([half, half, -half, -half])
    assert made.score(**given, groups=[0, 0, 1, 1]).total.tolist() == pytest.approx([0, 0, 0, 0])
