"""Online DPO and SPIN as runs: pairs of their own answers, rounds of the reference, exact resume, steps without a pair."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, dataset, of_type, straight_and_resumed, sums, train, weights
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef, Resources, RewardPipeline, RunSpec
from workers.engine.faults import ConfigFault
from workers.engine.method import method_of
from workers.engine.rollout.written_pairs import best_and_worst, pair
from workers.engine.sample import Sample

DIGITS = {"terms": [{"name": "digits", "kind": "regex_match", "params": {"pattern": "[0-9a-m]"}}]}
BASE = {"max_steps": 4, "learning_rate": 1e-2, "max_length": 64, "per_device_train_batch_size": 4, "max_completion_length": 6,
        "save_steps": 2, "eval_steps": 2, "eval_max_new_tokens": 4, "rollout_steps": 2, "temperature": 1.0}


def given(folder: Path, model: Path, method: str, *, name: str = "run", reward: dict[str, Any] | None = None,
          **config: Any) -> RunSpec:
    train_rows = dataset(folder / "data", sums(8), kind=RecordKind.DEMONSTRATION)
    test = dataset(folder / "data", sums(4, seed=2), kind=RecordKind.DEMONSTRATION, split="test")
    own = {"num_generations": 4} if method == "online-dpo" else {"iteration_steps": 2}
    return RunSpec(method=method, config=BASE | own | config, models={"policy": ModelRef(path=str(model))},
                   datasets={"train": train_rows, "eval": test}, output_dir=str(folder / name), resources=Resources(threads=1),
                   reward=RewardPipeline.model_validate(reward or DIGITS) if method == "online-dpo" else None)


@pytest.mark.parametrize(("method", "config"), [
    ("online-dpo", {"rpo_alpha": 0.1, "use_weighting": True}), ("spin", {"rpo_alpha": 0.1, "use_weighting": True})])
def test_a_run_logs_what_its_card_names_shows_answers_and_leaves_a_model(tmp_path: Path, small: Path, method: str,
                                                                         config: dict[str, Any]) -> None:
    found = train(given(tmp_path, small, method, **config))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    known = {metric.name.replace("{term}", "digits") for metric in method_of(method).CARD.metrics}
    # An untaught model may end none of its answers; curves of a term beyond its mean are of pipelines that have more to tell.
    assert {name for name in known - logged if not name.startswith("rewards/digits/")} <= {"completions/mean_terminated_length"}
    assert logged <= known
    assert of_type(found, "rollout")
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


def test_rounds_begin_at_log_two_and_go_down_from_there(tmp_path: Path, small: Path) -> None:
    losses = curve(train(given(tmp_path, small, "spin", eval_steps=0)))
    assert [losses[step] for step in (1, 3)] == pytest.approx([math.log(2)] * 2, rel=1e-5)
    assert losses[2] < losses[1]
    assert losses[4] < losses[3]


@pytest.mark.parametrize(("method", "config"), [
    ("online-dpo", {"sync_ref_model": True, "ref_model_sync_steps": 1, "loss_type": "rpo"}), ("spin", {})])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, method: str,
                                                           config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, method, name=name, eval_steps=0, **config))
    assert curve(rest) == curve(whole, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def test_a_step_without_a_pair_changes_nothing_and_says_so(tmp_path: Path, small: Path) -> None:
    level = {"terms": [{"name": "digits", "kind": "regex_match", "params": {"pattern": "(?s).*"}}]}
    found = train(given(tmp_path, small, "online-dpo", reward=level, eval_steps=0, max_steps=2))
    assert list(curve(found, "pairs/fraction").values()) == [0.0, 0.0]
    assert "no prompt gave a pair" in " ".join(event.message for event in of_type(found, "log"))
    assert found[-1].type == "done"


def test_rounds_of_an_adapter_are_refused(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigFault, match="cannot become the policy"):
        train(given(tmp_path, small, "spin", use_peft=True))


@pytest.mark.parametrize(("rewards", "found"), [
    ([0.0, 2.0, 1.0, 2.0, 0.0], (1, 0)), ([1.0, 1.0], None), ([math.nan, 1.0], None), ([], None), ([math.nan] * 2, None),
    ([math.nan, 1.0, -1.0, math.inf], (1, 2))])
def test_the_best_and_the_worst_of_a_group(rewards: list[float], found: tuple[int, int] | None) -> None:
    assert best_and_worst(rewards) == found


def test_a_pair_knows_its_sides_and_equal_answers_are_none() -> None:
    one, other = (Sample(torch.tensor([1, 2, last]), torch.tensor([False, True, True]), reward=reward)
                  for last, reward in ((3, 0.75), (4, 0.5)))
    sides = pair(one, other, 7)
    assert [side.scalars for side in sides] == [{"label": 1.0, "margin": 0.25}, {"label": 0.0, "margin": 0.25}]
    assert [side.group for side in sides] == [7, 7]
    assert pair(one, one, 0) == []
