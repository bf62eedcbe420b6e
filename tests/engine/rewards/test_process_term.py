"""Process and outcome terms: transformers' own scores at each step's end, what steps leave in a run, what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.engine.builders import curve, of_type, train
from tests.engine.online_builders import given
from workers.contract.run_spec import ModelKind, ModelRef, RewardPipeline, RewardTerm
from workers.engine.data import steps
from workers.engine.data.steps import StepValues
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.models import frozen
from workers.engine.modeling.reward_heads import declaration
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rewards.reward_model import whole
from workers.engine.sample import Sample
from workers.engine.training.training_state import write_model

PROMPT, ANSWER = "2+3+4=", "2+3=5\n\n5+4=9\n9"


def saved(small: Path, place: Path, heads: int = 1, **said: Any) -> ModelRef:
    torch.manual_seed(4)
    module = load_scalar(str(small), heads=heads)
    module.score.weight.data *= 20
    module.config.update(said)
    write_model(module, load_tokenizer(str(small)), place)
    return ModelRef(path=str(place), kind=ModelKind.REWARD)


def pipeline(ref: ModelRef, kind: str, **params: Any) -> Pipeline:
    return Pipeline(RewardPipeline(terms=[RewardTerm(name="rm", kind=kind, model=ref, weight=2.0, params=params)]))


def score(made: Pipeline, answers: list[str]) -> Any:
    try:
        return made.score(prompts=[PROMPT] * len(answers), completions=answers, completion_ids=[[]] * len(answers), columns={})
    finally:
        made.close()


def test_each_step_is_scored_where_transformers_scores_the_text_up_to_it(small: Path, tmp_path: Path) -> None:
    ref = saved(small, tmp_path / "rm", **declaration("process", step_separator="\n"))
    found = score(pipeline(ref, "process_reward_model", aggregation="min"), [ANSWER, "9", " "])
    tokenizer, model = load_tokenizer(ref.path), AutoModelForSequenceClassification.from_pretrained(ref.path)
    row = whole(tokenizer, PROMPT, ANSWER)
    cuts = [row.prompt_length + ANSWER.index("\n") + 1, row.prompt_length + ANSWER.rindex("\n") + 1, len(row.ids)]
    with torch.no_grad():
        theirs = [float(model(input_ids=torch.tensor([row.ids[:cut]])).logits.sigmoid()) for cut in cuts]
    assert found.steps[0].ends == (6, 13, 14)
    assert found.steps[0].values == pytest.approx([2 * value for value in theirs], abs=1e-5)
    assert found.terms[0].item() == pytest.approx(min(theirs), abs=1e-5)
    assert len(found.steps[1].ends) == 1
    assert (found.of(2), found.steps[2]) == ({"rm": None}, StepValues((), ()))
    outcome = score(pipeline(saved(small, tmp_path / "orm", **declaration("outcome")), "outcome_reward_model"), [ANSWER])
    assert outcome.terms[0].item() == pytest.approx(theirs[-1], abs=1e-5)
    short = score(pipeline(ref, "process_reward_model", max_length=8), [ANSWER])
    assert short.steps[0].ends == (13, 14)


@pytest.mark.parametrize(("kind", "said", "heads", "match"), [
    ("reward_model", declaration("process"), 1, "log-odds, at the end of each step"),
    ("process_reward_model", declaration("outcome"), 1, "log-odds that an answer is right"),
    ("outcome_reward_model", declaration("preference"), 1, "scores that order answers"),
    ("reward_model", {}, 3, "gives 3 numbers for a text, and this term reads one"),
])
def test_a_model_of_another_kind_is_refused_with_its_place(small: Path, tmp_path: Path, kind: str, said: dict[str, Any],
                                                           heads: int, match: str) -> None:
    with pytest.raises(ConfigFault, match=match) as caught:
        pipeline(saved(small, tmp_path / "rm", heads, **said), kind)
    assert caught.value.field == "reward.terms.0"
    if heads > 1:
        with pytest.raises(ModelFault, match="3 numbers"):
            frozen(ModelRef(path=str(tmp_path / "rm"), kind=ModelKind.REWARD), torch.device("cpu"))


def test_a_run_with_a_process_and_an_outcome_term_leaves_step_rewards_at_step_ends(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both terms together are `rm-hybrid`: w_o·R for the answer, w_p·s for each step."""
    process = {"name": "process", "kind": "process_reward_model", "weight": 0.5, "params": {"separator": "a"},
               "model": saved(small, tmp_path / "prm", **declaration("process"))}
    outcome = {"name": "outcome", "kind": "outcome_reward_model", "weight": 2.0,
               "model": saved(small, tmp_path / "orm", **declaration("outcome"))}
    seen: list[tuple[Sample, StepValues]] = []

    def watched(tokenizer: Any, samples: list[Sample], said: list[StepValues]) -> None:
        steps.give_steps(tokenizer, samples, said)
        seen.extend(zip(samples, said, strict=True))

    monkeypatch.setattr("workers.engine.rollout.rollouts.give_steps", watched)
    found = train(given(tmp_path, small, reward={"terms": [process, outcome]}, max_steps=2))
    assert found[-1].type == "done"
    assert all(sum(sample.channels["step_rewards"].tolist()) == pytest.approx(sum(said.values), abs=1e-5)
               and (sample.channels["step_ends"][-1] == 1) == bool(said.values) for sample, said in seen)
    assert all(value >= 1 for value in curve(found, "rewards/process/steps").values())
    means = [curve(found, f"rewards/{name}/mean") for name in ("process", "outcome")]
    assert curve(found, "reward") == pytest.approx({step: 0.5 * means[0][step] + 2 * means[1][step] for step in (1, 2)}, abs=0.05)
    assert not [event for event in of_type(found, "log") if event.level == "warning"]
