"""OREO as a run: curves, states, critic before policy, exact resume, micro-batches, learning, one answer."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sums, train, weights
from workers.contract.records import RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.methods import oreo


def answers(count: int = 8, seed: int = 1) -> list[dict[str, Any]]:
    """Right and wrong worked sums of two lines, marked; the wrong ones show it."""
    return [{"prompt": row["prompt"], "completion": f"{row['prompt']}\n{int(row['completion']) + off}{'?' * off}",
             "label": off == 0} for row in sums(count // 2, seed) for off in (0, 3)]


def given(folder: Path, model: Path, *, name: str = "run", data: list[dict[str, Any]] | None = None, held_out: bool = False,
          **config: Any) -> RunSpec:
    rows = dataset(folder / f"data-{name}", data or answers(), kind=RecordKind.UNPAIRED)
    test = dataset(folder / f"data-{name}", answers(seed=2), kind=RecordKind.UNPAIRED, split="test") if held_out else None
    return spec(folder / name, model=model, data=rows, held_out=test, method="oreo", **config)


def test_a_run_logs_what_its_card_names_and_foresees_what_it_has_seen(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=True, learning_rate=5e-3, critic_learning_rate=1e-2, max_steps=12,
                        eval_steps=6, per_device_train_batch_size=8))
    assert {name for event in of_type(found, "metrics") for name in event.values} == {metric.name for metric in oreo.CARD.metrics}
    value = curve(found, "loss/value")
    assert value[12] < value[1]
    assert curve(found, "eval/value_auc/last")[12] > 0.9
    gap = {step: good - curve(found, "logps/rejected")[step] for step, good in curve(found, "logps/chosen").items()}
    assert gap[12] > gap[1]
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


@pytest.mark.parametrize("config", [{"states": "step", "objective": "pcl"}, {"states": "response", "use_peft": True},
                                    {"objective": "single_step", "kl_alpha": 0.0}], ids=["step", "response", "single"])
def test_other_states_and_objectives_begin_alike_and_learn(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    found = train(given(tmp_path, small, learning_rate=1e-2, critic_learning_rate=1e-2, max_steps=4, **config))
    assert curve(found, "loss/value")[4] < curve(found, "loss/value")[1]
    assert bool(curve(found, "kl_reg")) == (config.get("kl_alpha") != 0.0)


def test_the_policy_waits_while_the_critic_warms_up(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, critic_warmup_steps=3, max_steps=4, learning_rate=1e-2))
    assert set(curve(found, "loss/policy")) == {4}
    assert curve(found, "kl_reg")[4] == pytest.approx(0.0, abs=1e-6)


def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, name="whole", per_device_train_batch_size=6, max_steps=3, learning_rate=1e-2))
    cut = train(given(tmp_path, small, name="cut", per_device_train_batch_size=2, gradient_accumulation_steps=3, max_steps=3,
                      learning_rate=1e-2))
    for name in ("loss/value", "loss/policy", "grad_norm", "critic/grad_norm"):
        assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=2e-3, abs=1e-6)


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, per_device_train_batch_size=3, max_steps=5))
    for name in ("loss/value", "loss/policy", "critic/grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def test_one_answer_and_outcomes_all_alike_are_enough_to_train_on(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, data=answers()[:1], per_device_train_batch_size=1, max_steps=3))
    assert found[-1].type == "done"
    assert oreo.auc(torch.tensor([0.1, 0.2]), torch.ones(2)) is None


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    assert oreo.auc(torch.tensor([0.9, 0.1, 0.5, 0.5]), torch.tensor([1.0, 0.0, 1.0, 0.0])) == pytest.approx(3.5 / 4)
