"""The pipeline: aggregation, terms that do not apply, broken values, and settings that are refused."""

import math

import pytest
import torch

from workers.contract.run_spec import RewardPipeline, RewardTerm
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.rewarding.reward_pipeline import Pipeline, Rewards, Term, measures
from workers.engine.rewards import TermParams


def pipeline(
    values: list[list[float | None]], weights: list[float], aggregate: str = "weighted_sum", on_nan: str = "refuse"
) -> Pipeline:
    """A pipeline whose k-th term answers the k-th list, whatever the text."""
    spec = {"terms": [{"name": "a", "kind": "length"}], "aggregate": aggregate, "on_nan": on_nan}
    made = Pipeline(RewardPipeline.model_validate(spec))
    made.names = tuple(f"t{k}" for k in range(len(values)))
    made.terms = tuple(
        Term(name, weight, (), TermParams(), lambda params, given=given, **_: given)
        for name, weight, given in zip(made.names, weights, values, strict=True))
    return made


def score(made: Pipeline, count: int) -> Rewards:
    return made.score(prompts=[""] * count, completions=[""] * count, completion_ids=[[]] * count, columns={})


@pytest.mark.parametrize(("aggregate", "expected"), [("weighted_sum", [2.5, 1.0]), ("product", [1.0, 1.0]), ("min", [0.5, 1.0])])
def test_terms_are_weighted_and_those_that_do_not_apply_are_left_out(aggregate: str, expected: list[float]) -> None:
    found = score(pipeline([[1.0, None], [1.0, 2.0]], [2.0, 0.5], aggregate), 2)
    assert found.total.tolist() == expected
    assert found.of(1) == {"t0": None, "t1": 2.0}


def test_an_answer_to_which_no_term_applies_has_no_reward() -> None:
    assert math.isnan(score(pipeline([[None]], [1.0]), 1).total.item())


def test_a_broken_value_is_refused_by_name() -> None:
    with pytest.raises(RewardFault, match="'t1' answered nan for answer 1"):
        score(pipeline([[1.0, 1.0], [0.0, math.nan]], [1, 1]), 2)


def test_a_broken_value_drops_the_answer_or_counts_as_zero() -> None:
    values: list[list[float | None]] = [[1.0, 1.0], [math.inf, 3.0]]
    assert score(pipeline(values, [1, 1], on_nan="drop"), 2).total.isnan().tolist() == [True, False]
    assert score(pipeline(values, [1, 1], on_nan="zero"), 2).total.tolist() == [1.0, 4.0]


def test_broken_values_are_a_curve_and_news_when_their_number_has_doubled() -> None:
    made = pipeline([[math.nan, 3.0], [1.0, 1.0]], [1, 1], on_nan="drop")
    assert made.news() is None
    curves = measures(made, score(made, 2))
    assert curves["rewards/t0/broken"] == 0.5
    assert "rewards/t1/broken" not in curves
    assert made.news() == "Reward terms that answered no finite number so far: t0 1; those answers have no reward."
    assert made.news() is None
    score(made, 2)
    assert made.news() is not None


def test_a_term_that_answers_too_few_values_is_refused() -> None:
    with pytest.raises(RewardFault, match="1 values for 2 answers"):
        score(pipeline([[1.0]], [1]), 2)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ([{"name": "a", "kind": "nothing_such"}], "does not have"),
        ([{"name": "a", "kind": "length", "params": {"limit": -1}}], "limit"),
        ([{"name": "a", "kind": "length", "params": {"colour": 1}}], "colour"),
        ([{"name": "a", "kind": "length"}, {"name": "a", "kind": "format"}], "same name"),
    ],
)
def test_a_wrong_pipeline_says_what_is_wrong(terms: list[dict[str, object]], says: str) -> None:
    with pytest.raises(ConfigFault, match=says):
        Pipeline(RewardPipeline.model_validate({"terms": terms}))


def test_real_terms_score_through_the_pipeline_and_name_the_columns_they_need() -> None:
    short = RewardTerm(name="short", kind="length", weight=0.1, params={"mode": "penalty", "limit": 10})
    made = Pipeline(RewardPipeline(terms=[RewardTerm(name="right", kind="numeric_match"), short]))
    found = made.score(prompts=["2+2=", "3+3="], completions=["4", "7"], completion_ids=[[1], [1, 2]],
                       columns={"answer": ["4", "6"], "level": ["easy", "easy"]})
    assert torch.allclose(found.total, torch.tensor([0.99, -0.02], dtype=torch.float64))
    assert made.columns == {"answer"}
