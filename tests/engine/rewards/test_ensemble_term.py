"""Heads as one number: aggregates by hand, the term against transformers' own logits, disagreement as a curve."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification

from tests.engine.rewards.test_process_term import ANSWER, PROMPT, pipeline, saved
from workers.engine import head_aggregation, members
from workers.engine.faults import ConfigFault
from workers.engine.head_aggregation import aggregation, disagreement
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.modeling.reward_heads import declaration
from workers.engine.rewarding.reward_pipeline import measures
from workers.engine.rewards.reward_model import rendered

HEADS = torch.tensor([[1.0, 2.0, 6.0, 3.0]], dtype=torch.float64)


@pytest.mark.parametrize(("name", "caution", "value"), [
    ("mean", 1, 3.0), ("min", 1, 1.0), ("median", 1, 2.5), ("lower_bound", 0.5, 3 - 0.5 * 3.5**0.5), ("lower_bound", 0, 3.0)])
def test_worked_values(name: str, caution: float, value: float) -> None:
    assert float(aggregation(name)(HEADS, caution)) == pytest.approx(value)


@settings(max_examples=15, deadline=None)
@given(st.floats(-5, 5), st.floats(0, 2))
def test_one_head_gives_its_own_score_and_agreement_costs_nothing(score: float, caution: float) -> None:
    for name in members.names(head_aggregation.__name__):
        for heads in (1, 3):
            found = aggregation(name)(torch.full((1, heads), score, dtype=torch.float64), caution)
            assert float(found) == pytest.approx(score)
    assert float(disagreement(torch.tensor([[score]]))) == 0


def test_gradients_agree_with_finite_differences() -> None:
    for name in members.names(head_aggregation.__name__):
        assert torch.autograd.gradcheck(lambda scores, by=name: aggregation(by)(scores, 0.7), HEADS.clone().requires_grad_())


def test_the_term_aggregates_transformers_logits_and_tells_how_far_heads_disagree(small: Path, tmp_path: Path) -> None:
    ref = saved(small, tmp_path / "rm", 3, **declaration("preference"))
    answers = [ANSWER, "9", ""]
    tokenizer, model = load_tokenizer(ref.path), AutoModelForSequenceClassification.from_pretrained(ref.path)
    with torch.no_grad():
        theirs = torch.cat([model(input_ids=torch.tensor([rendered(tokenizer, PROMPT, text, 256)])).logits for text in answers])
    options: list[tuple[dict[str, Any], torch.Tensor]] = [
        ({"caution": 1.0}, theirs.mean(-1) - theirs.std(-1, correction=0)), ({"aggregation": "min"}, theirs.amin(-1))]
    for params, wanted in options:
        made = pipeline(ref, "reward_ensemble", **params)
        found = made.score(prompts=[PROMPT] * 3, completions=answers, completion_ids=[[]] * 3, columns={})
        made.close()
        torch.testing.assert_close(found.terms[:, 0], wanted.double(), rtol=1e-4, atol=1e-5)
        apart = float(theirs.std(-1, correction=0).mean())
        assert measures(made, found)["rewards/rm/ensemble_std"] == pytest.approx(apart, rel=1e-4)


def test_a_model_with_one_number_is_no_ensemble(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="gives one number for a text, and this term reads several"):
        pipeline(saved(small, tmp_path / "rm"), "reward_ensemble")
