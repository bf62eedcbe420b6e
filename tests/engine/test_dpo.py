"""DPO as a run: its curves, its reference, exact resume, micro-batches, learning, and what it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, dataset, of_type, small_model, spec, straight_and_resumed, sum_pairs, train, weights
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, RunSpec
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.preflight import report


def preferences(folder: Path, rows: list[dict[str, Any]] | None = None, split: str = "train") -> DatasetRef:
    return dataset(folder / "pairs", rows or sum_pairs(8, seed=len(split)), kind=RecordKind.PREFERENCE, split=split)


def given(folder: Path, model: Path, *, data: DatasetRef | None = None, name: str = "run", held_out: DatasetRef | None = None,
          **config: Any) -> RunSpec:
    return spec(folder / name, model=model, data=data or preferences(folder), held_out=held_out, method="dpo", **config)


@pytest.mark.parametrize("config", [{}, {"use_peft": True}], ids=["whole", "lora"])
def test_it_begins_at_the_reference_and_leaves_it(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    found = train(given(tmp_path, small, learning_rate=1e-2, **config))
    assert curve(found)[1] == pytest.approx(math.log(2), rel=1e-5)
    assert curve(found, "rewards/chosen")[1] == pytest.approx(0, abs=1e-5)
    assert curve(found)[6] < 0.69
    assert curve(found, "rewards/margins")[6] > 0


def test_margins_are_what_chosen_and_rejected_leave_between_them(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, learning_rate=1e-2))
    chosen, rejected, margins = (curve(found, f"rewards/{name}") for name in ("chosen", "rejected", "margins"))
    assert list(margins.values()) == pytest.approx([chosen[step] - rejected[step] for step in margins], abs=1e-5)


def test_a_reference_of_its_own_is_what_the_policy_is_compared_with(tmp_path: Path, small: Path) -> None:
    other = small_model(tmp_path / "other", seed=3)
    one = given(tmp_path, small, max_steps=1)
    found = train(one.model_copy(update={"models": one.models | {"reference": ModelRef(path=str(other))}}))
    alone = train(given(tmp_path, small, max_steps=1, name="alone"))
    assert abs(curve(found, "rewards/chosen")[1]) > 1e-4
    assert curve(found, "logps/chosen")[1] == pytest.approx(curve(alone, "logps/chosen")[1])


def test_a_reference_with_another_tokenizer_is_refused(tmp_path: Path, small: Path) -> None:
    other = small_model(tmp_path / "other")
    tokenizer = load_tokenizer(str(other))
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(other)
    one = given(tmp_path, small)
    with pytest.raises(ConfigFault, match="reads other tokens") as refused:
        train(one.model_copy(update={"models": one.models | {"reference": ModelRef(path=str(other))}}))
    assert "policy's tokenizer" in refused.value.remedy


@pytest.mark.slow
def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, name="whole", per_device_train_batch_size=6))
    cut = train(given(tmp_path, small, name="cut", per_device_train_batch_size=2, gradient_accumulation_steps=3))
    for name in ("loss", "grad_norm", "rewards/margins", "logps/rejected", "entropy", "rewards/accuracies"):
        assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-3, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"use_peft": True, "lora_dropout": 0.1}, {"loss_type": "ipo", "max_steps": 9}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, per_device_train_batch_size=3, **config))
    for name in ("loss", "rewards/margins", "logps/chosen", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


@pytest.mark.slow
def test_it_learns_what_is_preferred_also_on_pairs_it_has_not_seen(tmp_path: Path, small: Path) -> None:
    def rows(seed: int) -> list[dict[str, Any]]:
        return [{"prompt": row["prompt"], "chosen": "I do not know.", "rejected": row["chosen"]} for row in sum_pairs(24, seed)]

    held_out = preferences(tmp_path, rows(9), split="test")
    found = train(given(tmp_path, small, data=preferences(tmp_path, rows(1)), held_out=held_out, max_steps=20, learning_rate=5e-3,
                        beta=0.5))
    assert curve(found, "eval/rewards/accuracies")[20] == 1.0
    assert curve(found, "eval/loss")[20] < 0.3 < curve(found, "eval/loss")[0]


def test_equal_sides_are_left_out_and_told_and_alone_refused(tmp_path: Path, small: Path) -> None:
    equal = {"prompt": "a", "chosen": "b", "rejected": "b"}
    found = train(given(tmp_path, small, data=preferences(tmp_path, [*sum_pairs(3), equal])))
    assert "Left out so far: 1 whose two answers are equal." in [event.message for event in of_type(found, "log")]
    with pytest.raises(DataFault, match="No row of the data set gives anything"):
        train(given(tmp_path, small, data=preferences(tmp_path / "alone", [equal]), name="alone"))


def test_one_pair_is_enough_to_train_on(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, data=preferences(tmp_path, sum_pairs(1)), per_device_train_batch_size=1))
    assert found[-1].type == "done"
    assert curve(found)[6] < curve(found)[1]


def test_preflight_is_ready_and_holds_the_reference_too(tmp_path: Path, small: Path) -> None:
    whole, adapter = report(given(tmp_path, small)), report(given(tmp_path, small, use_peft=True))
    assert whole.ready
    assert adapter.ready
    assert whole.memory is not None
    assert adapter.memory is not None
    assert adapter.trainable
    assert whole.memory.weights == 2 * (adapter.memory.weights - 4 * adapter.trainable)
