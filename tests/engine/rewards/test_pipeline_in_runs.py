"""The whole pipeline within runs: every term a curve, what terms hold closed at the end, and a check before the launch."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, dataset, of_type, spec, sums, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind, ModelRef, RewardPipeline, RunSpec
from workers.engine import preflight
from workers.engine.faults import Fault, UserCodeFault
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.rewards import reward_model
from workers.engine.sandbox.child import missing
from workers.engine.training.training_state import write_model

SEVENS = {"name": "sevens", "kind": "regex_match", "params": {"pattern": "[0-9a-m]"}}


def given(folder: Path, model: Path, terms: list[dict[str, Any]], **reward: Any) -> RunSpec:
    rows = [{"prompt": row["prompt"], "answer": row["completion"]} for row in sums(12)]
    made = spec(folder / "run", model=model, data=dataset(folder / "rows", rows, kind=RecordKind.PROMPT_ANSWER), method="grpo",
                prompts_per_step=3, num_generations=4, max_completion_length=6, max_steps=2, per_device_train_batch_size=64)
    return made.model_copy(update={"reward": RewardPipeline.model_validate({"terms": terms} | reward)})


@pytest.fixture
def reward_term(small: Path, tmp_path: Path) -> dict[str, Any]:
    torch.manual_seed(5)
    write_model(load_scalar(str(small)), load_tokenizer(str(small)), tmp_path / "reward")
    return {"name": "rm", "kind": "reward_model", "model": ModelRef(path=str(tmp_path / "reward"), kind=ModelKind.REWARD)}


def test_raw_and_transformed_values_and_gates_are_curves(tmp_path: Path, small: Path, reward_term: dict[str, Any]) -> None:
    white = reward_term | {"transforms": [{"kind": "whiten", "over": "group"}]}
    gate = {"name": "short", "kind": "length", "params": {"mode": "penalty", "limit": 6}, "gate": {"at_least": -2}}
    found = train(given(tmp_path, small, [SEVENS, white, gate]))
    assert found[-1].type == "done"
    assert curve(found, "rewards/rm/transformed") == pytest.approx({1: 0.0, 2: 0.0}, abs=1e-6)
    assert all(abs(value) > 1e-4 for value in curve(found, "rewards/rm/mean").values())
    assert curve(found, "rewards/short/open") == {1: 1.0, 2: 1.0}
    sevens = curve(found, "rewards/sevens/mean")
    assert curve(found, "reward") == pytest.approx(sevens, abs=1e-6)
    assert "rewards/sevens/transformed" not in of_type(found, "metrics")[0].values


def test_what_terms_hold_is_closed_when_a_run_ends_well_or_badly(
    tmp_path: Path, small: Path, reward_term: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(reward_model.Scored, "close", lambda self: closed.append("closed"))
    train(given(tmp_path, small, [reward_term]))
    assert closed == ["closed"]
    broken = reward_term | {"name": "far", "transforms": [{"kind": "affine", "factor": 1e308}] * 2}
    with pytest.raises(Fault, match="'far' answered"):
        train(given(tmp_path / "broken", small, [reward_term, broken]))
    assert len(closed) == 3


def test_preflight_tries_the_reward_on_references_and_closes_it(
    tmp_path: Path, small: Path, reward_term: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(reward_model.Scored, "close", lambda self: closed.append("closed"))
    exact = {"name": "exact", "kind": "exact_match", "transforms": [{"kind": "affine", "factor": 2}]}
    found = preflight.report(given(tmp_path, small, [exact, reward_term | {"weight": 0}]))
    assert found.ready
    [said] = [finding.message for finding in found.findings if finding.code == "reward"]
    assert said == "The reward was tried on the references of the first 4 rows: 2, 2, 2, 2."
    assert len(closed) == 2, "once after the trial, once after the steps that were timed"


@pytest.mark.slow
def test_the_persons_own_function_rewards_a_run_and_fails_it_by_name(tmp_path: Path, small: Path) -> None:
    if missing():
        pytest.skip(missing())
    share = {"name": "share", "kind": "python", "params": {"source": (
        "def reward(completions, answer):\n    return [len(set(c) & set(a)) / 10 for c, a in zip(completions, answer)]")}}
    found = train(given(tmp_path, small, [share]))
    assert found[-1].type == "done"
    assert all(0 <= value <= 1 for value in curve(found, "rewards/share/mean").values())
    broken = share | {"name": "broken", "params": {"source": "def reward(completions):\n    return [1 / 0 for _ in completions]"}}
    with pytest.raises(UserCodeFault, match="'broken': The function failed: ZeroDivisionError") as caught:
        train(given(tmp_path / "broken", small, [share, broken]))
    assert caught.value.code == "user_code"
    told = preflight.report(given(tmp_path / "told", small, [share, broken]))
    assert [(one.field, one.code) for one in told.findings if one.level == "error"] == [("reward.terms.1", "user_code")]


def test_preflight_names_the_term_that_does_not_work(tmp_path: Path, small: Path) -> None:
    gone = {"name": "rm", "kind": "reward_model", "model": ModelRef(path=str(tmp_path / "gone"), kind=ModelKind.REWARD)}
    found = preflight.report(given(tmp_path, small, [SEVENS, gone]))
    assert not found.ready
    [wrong] = [finding for finding in found.findings if finding.level == "error"]
    assert wrong.field == "reward.terms.1"
    assert wrong.message.startswith("Reward term 'rm': The directory")
