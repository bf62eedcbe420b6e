"""Rejection sampling: which answers are kept, what the step is, starting anew, hints, nothing accepted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tests.engine.builders import SMALL, curve, of_type, straight_and_resumed, train, view, weights
from tests.engine.online_builders import sample, turn
from tests.engine.supervised_builders import given
from workers.contract.records import Record
from workers.contract.run_spec import RewardPipeline, RunSpec
from workers.engine.composition import Setting
from workers.engine.families.supervised import likelihood
from workers.engine.faults import ConfigFault
from workers.engine.methods import rft
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import written_answers
from workers.engine.rollout.acceptance import accepted, key_of
from workers.engine.sample import Sample, batch_of, counts_of

ALL = {"terms": [{"name": "all", "kind": "regex_match", "params": {"pattern": "(?s).*"}}]}
NEVER = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "zzzzzzz"}}]}


def test_worked_selection() -> None:
    assert accepted([1, 0, 1, 1], ["a", "b", "a", "c"], [0, 0, 0, 0], at=1, most=2) == [0, 3]
    assert accepted([1, 0, 1, 1], ["a", "b", "a", "c"], [0, 0, 1, 1], at=1, most=1) == [0, 2]
    assert accepted([0.2, 0.9, 0.7, float("nan")], list("abcd"), [0] * 4, at=0.1, top_k=2) == [1, 2]
    assert accepted([], [], [], at=1) == []


@settings(max_examples=25, deadline=None)
@examples(st.lists(st.tuples(st.floats(-2, 2) | st.just(float("nan")), st.sampled_from("abc"), st.integers(0, 2)), max_size=12),
          st.integers(1, 3), st.integers(0, 3))
def test_what_is_kept_is_good_different_and_not_too_much(rows: list[tuple[float, str, int]], most: int, top_k: int) -> None:
    scores, keys, groups = ([row[part] for row in rows] for part in range(3))
    kept = accepted(scores, keys, groups, at=0.5, top_k=top_k, most=most)  # type: ignore[arg-type]
    assert kept == sorted(kept)
    assert all(rows[index][0] >= 0.5 for index in kept)
    assert len({rows[index][1:] for index in kept}) == len(kept)
    good = {group: {key for score, key, its in rows if its == group and score >= 0.5} for group in range(3)}
    for group in range(3):
        count = sum(rows[index][2] == group for index in kept)
        assert count <= most
        if top_k == 0:
            assert count == min(most, len(good[group]))


def test_equal_answers_by_text_and_by_equations() -> None:
    assert key_of("So  6 + 6=12.", "text", 0) == key_of("so 6 + 6=12.", "text", 1)
    assert key_of("First 6 + 6 = 12.", "equations", 0) == key_of("Then 6+6=12 follows", "equations", 1)
    assert key_of("6+6=12", "equations", 0) != key_of("6+6=13", "equations", 1)
    assert key_of("no sum", "equations", 0) != key_of("another", "equations", 1)
    assert key_of("a", "keep", 0) != key_of("a", "keep", 1)


def test_one_step_is_reinforce_with_reward_one_or_zero() -> None:
    """∇ of the accepted answers' NLL times their tokens = −Σ R ∇log π, R = 1 where accepted, 0 where not."""
    model, config = view(), rft.Config()
    rewards = [1.0, 0.0, 1.0, 0.0]
    samples = [sample(4 + index, index, reward, seed=index) for index, reward in enumerate(rewards)]
    kept = [samples[index] for index in accepted(rewards, list("abcd"), [0, 1, 2, 3], at=1.0)]
    counts = counts_of(kept)
    torch.autograd.backward(likelihood(config, turn(model), batch_of(kept), counts) * counts.tokens)
    ours = [parameter.grad.clone() for parameter in model.module.parameters()]
    model.module.zero_grad()
    batch = batch_of(samples)
    torch.autograd.backward(-(batch.rewards * model.score(batch).logprobs.sum(-1)).sum())
    for parameter, grad in zip(model.module.parameters(), ours, strict=True):
        torch.testing.assert_close(parameter.grad, grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [{}, {"base": "initial"}], ids=["current", "initial"])
def test_resuming_equals_the_uninterrupted_run(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    def made(name: str) -> Any:
        return given(tmp_path, small, "rft", name=name, max_steps=4, num_iterations=2, updates_per_rollout=2, **config)

    straight, resumed = straight_and_resumed(made)
    assert curve(resumed) == curve(straight, after=2)
    assert all(torch.equal(one, weights(tmp_path, "again")[name]) for name, one in weights(tmp_path, "whole").items())


def test_anew_from_the_start_takes_one_steps_way_however_many_steps(tmp_path: Path, small: Path) -> None:
    """Adam's first step is as long as the learning rate says: starting anew, no weight is ever further from the beginning."""
    config: dict[str, Any] = {"max_steps": 4, "learning_rate": 1e-3, "lr_scheduler_type": "constant", "warmup_ratio": 0.0}
    begun = make_model(0, **SMALL).state_dict()
    far = {}
    for base in ("initial", "current"):
        train(given(tmp_path, small, "rft", name=base, base=base, **config))
        far[base] = max(float((value - begun[name]).abs().max()) for name, value in weights(tmp_path, base).items())
    assert far["initial"] == pytest.approx(1e-3, rel=0.01)
    assert far["current"] > 1.5e-3


def test_what_a_hint_brought_about_is_learned_without_it() -> None:
    model, tokenizer = view(trained=False), make_tokenizer(256)
    asked = Setting(RunSpec(method="rft", models={}, output_dir=""), tokenizer, context_length=256, parameters=1)
    config = rft.Config(hint=" psst {answer}", max_length=64, max_completion_length=5, num_generations=2, duplicates="keep")
    rows = [Record(prompt="1+2=", answer="3"), Record(prompt="x=")]
    prompts = [one for row, record in enumerate(rows) for one in written_answers.render_prompt(config, asked, record, row)]
    here = replace(turn(model, temperature=0.9), tokenizer=tokenizer)
    torch.manual_seed(0)
    found = rft.rationalised(config, asked, here, prompts, Pipeline(RewardPipeline.model_validate(ALL)))
    assert {one.row for one in found} == {0}  # the other has no reference to hint at
    assert len(found) == 2
    assert here.tally.values() == {}
    for one in found:
        head = prompts[0].ids.tolist()
        assert one.ids[: one.prompt_length].tolist() == head
        assert one.mask.tolist() == [False] * len(head) + [True] * (len(one) - len(head))
        hinted = written_answers.render_prompt(config, asked, Record(prompt="1+2= psst 3"), 0)[0].ids
        whole = torch.cat([hinted, one.ids[one.prompt_length:]])
        scored = model.score_all([Sample(ids=whole, mask=torch.arange(len(whole)) >= len(hinted))], temperature=0.9)[0]
        torch.testing.assert_close(one.channels["old_logprobs"][len(head):], scored[len(hinted):], atol=1e-4, rtol=1e-4)


def test_a_step_without_an_accepted_answer_changes_nothing_and_says_so(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "rft", max_steps=2, save_steps=1, base="initial")
    found = train(one.model_copy(update={"reward": RewardPipeline.model_validate(NEVER)}))
    assert list(curve(found, "accepted/samples").values()) == [0, 0]
    assert list(curve(found, "prompts/never").values()) == [1, 1]
    assert sum("nothing was learned" in event.message for event in of_type(found, "log")) == 2
    begun = make_model(0, **SMALL).state_dict()
    assert all(torch.equal(value, begun[name]) for name, value in weights(tmp_path).items())


def test_without_a_reward_or_room_it_is_refused(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "rft")
    with pytest.raises(ConfigFault, match="needs a reward"):
        train(one.model_copy(update={"reward": None}))
    with pytest.raises(ConfigFault, match="no room for a prompt"):
        train(one.model_copy(update={"config": one.config | {"max_completion_length": 64}}))
