"""Steps valued by what each beginning of an answer adds to its reward: places, values, edges, and who asks for them."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.engine.online_builders import turn
from workers.contract.run_spec import RewardPipeline
from workers.engine.faults import ConfigFault
from workers.engine.methods import grpo, grpo_process
from workers.engine.modeling.tiny_model import make_tokenizer
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout.step_source import gathered, give, places_of
from workers.engine.sample import Rollout, Sample

TOKENIZER = make_tokenizer(64)
DIGITS = RewardPipeline.model_validate({"terms": [{"name": "last", "kind": "regex_match", "params": {"pattern": "[0-9]$"}}]})


def answer(text: str, reward: float | None, *, end: bool = True) -> Sample:
    ids = torch.tensor(TOKENIZER(text, add_special_tokens=False)["input_ids"] + ([TOKENIZER.eos_token_id] if end else []))
    rollout = Rollout(torch.tensor([5, 6]), ids.long(), torch.zeros(len(ids)), ended=end)
    return replace(rollout.sample(group=0, reward=reward), text=text)


def steps(sample: Sample, **config: Any) -> tuple[list[float], list[float]]:
    """Values and ends of the answer's own tokens."""
    told = replace(turn(None), tokenizer=TOKENIZER)
    give(grpo_process.Config.model_validate(config), Pipeline(DIGITS), told, [sample])
    return tuple(sample.channels[name][sample.prompt_length:].tolist() for name in ("step_rewards", "step_ends"))  # type: ignore[return-value]


def test_a_step_earns_what_it_adds_and_the_steps_add_up_to_the_reward() -> None:
    """The lines end with a digit, without one, and with one again."""
    sample = answer("a1\nb\nc2", 1.0)
    values, ends = steps(sample)
    assert [value for value, end in zip(values, ends, strict=True) if end] == [1.0, -1.0, 1.0]
    values, ends = steps(sample, step_separator="1")
    assert [value for value, end in zip(values, ends, strict=True) if end] == [1.0, 0.0]
    assert sum(values) == 1.0
    assert ends[-1] == 1.0


def test_without_a_separator_every_token_is_a_step() -> None:
    sample = answer("1a2", 1.0)
    assert steps(sample, step_separator="") == ([1.0, -1.0, 1.0, 0.0], [1.0] * 4)


def test_an_answer_without_separator_is_one_step_and_one_without_a_reward_earns_nothing_at_its_end() -> None:
    assert steps(answer("ab", 0.5)) == ([0.0, 0.0, 0.5], [0.0, 0.0, 1.0])
    values, _ = steps(answer("1a", None), step_separator="")
    assert values == [1.0, -1.0, 0.0]
    assert places_of(TOKENIZER, answer("", None, end=False), "\n") == []
    assert steps(answer("", None, end=False)) == ([], [])


def test_steps_are_gathered_only_where_a_member_needs_them() -> None:
    assert not gathered(grpo.Config(), Pipeline(DIGITS))
    assert [extra.names for extra in gathered(grpo.Config(credit="steps_and_outcome"), Pipeline(DIGITS))] == [
        ("step_rewards", "step_ends")]


def test_a_reward_without_a_term_that_values_steps_is_refused_with_both_ways_out() -> None:
    with pytest.raises(ConfigFault, match="no term that values steps") as refused:
        steps(answer("1a", 1.0), steps_from="term")
    assert "steps_from" in refused.value.remedy

