"""A run that was killed, told to leave, paused or cut short ends in the same bits as one that was left alone."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.engine.builders import curve, dataset, engine_until, events, forked, of_type, spec, sums, train
from workers.contract import control
from workers.contract.records import RecordKind
from workers.contract.run_spec import Limits, RewardPipeline, RewardTerm, RunSpec
from workers.engine.control import Inbox
from workers.engine.training import checkpoint

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulation": {"gradient_accumulation_steps": 3},
    "packing": {"packing": True, "per_device_train_batch_size": 1, "max_length": 96, "max_steps": 7},
    "lora": {"use_peft": True, "lora_dropout": 0.1},
}


@pytest.fixture
def given(tmp_path: Path, small: Path, request: pytest.FixtureRequest) -> RunSpec:
    data = dataset(tmp_path / "data", sums(10))
    return spec(tmp_path / "straight", model=small, data=data, **KINDS[request.param])


def elsewhere(given: RunSpec, name: str, **changes: Any) -> RunSpec:
    return given.model_copy(update={"output_dir": str(Path(given.output_dir).with_name(name))} | changes)


def assert_equal_ends(one: RunSpec, other: RunSpec) -> None:
    """Final models and last checkpoints hold the same bits."""
    first, second = (sorted((Path(each.output_dir) / "checkpoints").glob("step-*"))[-1] for each in (one, other))
    assert first.name == second.name
    for path in sorted(first.rglob("*.safetensors")):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name
    states = [json.loads((place / "state.json").read_text()) for place in (first, second)]
    for state in states:
        state.pop("elapsed")
    assert states[0] == states[1]
    final = [Path(each.output_dir) / "final" / "model.safetensors" for each in (one, other)]
    assert final[0].read_bytes() == final[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("given", KINDS, indirect=True)
def test_the_same_spec_and_seed_give_the_same_curve_to_the_bit(given: RunSpec) -> None:
    again = elsewhere(given, "again")
    assert curve(train(given)) == curve(train(again))
    assert_equal_ends(given, again)


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1, 2, 3, 5])
@pytest.mark.parametrize("given", KINDS, indirect=True)
def test_a_run_cut_at_any_step_and_resumed_equals_the_straight_run(given: RunSpec, cut: int) -> None:
    straight = curve(train(given))
    first = elsewhere(given, "first", limits=Limits(max_steps=cut))
    train(first)
    second = elsewhere(given, "second", resume_from=str(Path(first.output_dir) / "checkpoints" / checkpoint.directory_name(cut)))
    assert curve(train(second)) == {step: loss for step, loss in straight.items() if step > cut}
    assert_equal_ends(given, second)


@pytest.mark.slow
@pytest.mark.parametrize("given", ["plain"], indirect=True)
def test_a_pause_changes_no_bit(given: RunSpec) -> None:
    train(given)
    paused, inbox = elsewhere(given, "paused"), Inbox()
    for message in (control.Pause(), control.SaveCheckpoint(), control.Resume()):
        inbox.put(message)
    found = train(paused, inbox)
    assert [event.state for event in of_type(found, "status")].count("paused") == 1
    assert_equal_ends(given, paused)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "blow"), [(1, signal.SIGKILL), (3, signal.SIGKILL), (4, signal.SIGKILL)])
@pytest.mark.parametrize("given", ["packing"], indirect=True)
def test_a_killed_engine_resumes_to_the_same_bits(given: RunSpec, step: int, blow: signal.Signals) -> None:
    straight = curve(train(given))
    killed = elsewhere(given, "killed")
    assert engine_until(killed, step, blow) == -blow
    assert forked("resume", killed.output_dir).wait() == 0
    found = events(Path(killed.output_dir))
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    assert curve(found) == straight
    assert_equal_ends(given, killed)


@pytest.mark.slow
@pytest.mark.parametrize("given", ["accumulation"], indirect=True)
def test_sigterm_saves_leaves_with_three_and_loses_no_step(given: RunSpec) -> None:
    longer = given.model_copy(update={"config": given.config | {"max_steps": 200, "save_steps": 0}})
    left = elsewhere(longer, "left")
    assert engine_until(left, 3, signal.SIGTERM) == 3
    *_, saved, failed = events(Path(left.output_dir))
    assert (saved.type, saved.reason, failed.type, failed.code) == ("checkpoint", "signal", "failed", "preempted")
    last = max(curve(events(Path(left.output_dir))))
    assert saved.step == last
    on = elsewhere(longer, "on", resume_from=saved.path, limits=Limits(max_steps=last + 2))
    whole = elsewhere(longer, "whole", limits=Limits(max_steps=last + 2))
    resumed, straight = curve(train(on)), curve(train(whole))
    assert resumed == {step: loss for step, loss in straight.items() if step > last}


@pytest.mark.slow
@pytest.mark.parametrize("given", ["plain"], indirect=True)
def test_a_broken_newest_checkpoint_is_passed_over_and_said(given: RunSpec) -> None:
    train(given)
    places = sorted((Path(given.output_dir) / "checkpoints").glob("step-*"))
    weights = places[-1] / "policy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    second = elsewhere(given, "second", resume_from=str(places[-1]))
    found = train(second)
    assert any("passed over" in event.message for event in of_type(found, "log"))
    assert min(curve(found)) == int(places[-2].name.removeprefix("step-")) + 1
    final = [load_file(Path(each.output_dir) / "final" / "model.safetensors") for each in (given, second)]
    assert all(bool((final[0][name] == final[1][name]).all()) for name in final[0])


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"use_peft": True}, {"num_iterations": 2, "updates_per_rollout": 2, "beta": 0.1}])
def test_grpo_cut_and_resumed_equals_the_straight_run(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    rows = [{"prompt": row["prompt"], "answer": row["completion"]} for row in sums(12)]
    data = dataset(tmp_path / "data", rows, kind=RecordKind.PROMPT_ANSWER)
    reward = RewardPipeline(terms=[RewardTerm(name="length", kind="length", params={})])
    given = spec(tmp_path / "straight", model=small, data=data, method="grpo", max_steps=4, prompts_per_step=3, num_generations=4,
                 max_completion_length=6, **config).model_copy(update={"reward": reward})
    straight = curve(train(given))
    first = elsewhere(given, "first", limits=Limits(max_steps=2))
    train(first)
    second = elsewhere(given, "second", resume_from=str(Path(first.output_dir) / "checkpoints" / "step-00000002"))
    assert curve(train(second)) == {step: loss for step, loss in straight.items() if step > 2}
    assert_equal_ends(given, second)
