"""KTO as a run: its curves, its baseline from mismatched answers, exact resume, pairs as marks, learning, what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sum_pairs, sums, train, view, weights
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, RunSpec
from workers.engine.faults import DataFault
from workers.engine.methods import kto
from workers.engine.preflight import report
from workers.engine.sample import Sample


def marks(count: int = 8, seed: int = 0) -> list[dict[str, Any]]:
    return [row | {"label": index % 3 > 0} for index, row in enumerate(sums(count, seed))]


def marked(folder: Path, rows: list[dict[str, Any]] | None = None, split: str = "train") -> DatasetRef:
    return dataset(folder / "marks", rows or marks(seed=len(split)), kind=RecordKind.UNPAIRED, split=split)


def given(folder: Path, model: Path, *, data: DatasetRef | None = None, name: str = "run", held_out: DatasetRef | None = None,
          **config: Any) -> RunSpec:
    return spec(folder / name, model=model, data=data or marked(folder), held_out=held_out, method="kto", **config)


def sample(prompt: list[int], answer: list[int]) -> Sample:
    mask = torch.tensor([False] * len(prompt) + [True] * len(answer))
    return Sample(ids=torch.tensor(prompt + answer), mask=mask, prompt_length=len(prompt))


def test_a_run_logs_what_its_card_names_and_leaves_a_model(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=marked(tmp_path, split="test"), eval_steps=3, per_device_train_batch_size=8))
    assert {name for event in of_type(found, "metrics") for name in event.values} == {metric.name for metric in kto.CARD.metrics}
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


def test_it_begins_at_one_half_with_a_baseline_of_zero_and_then_learns(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, learning_rate=1e-2, per_device_train_batch_size=8))
    assert curve(found)[1] == pytest.approx(0.5, abs=1e-5)
    assert curve(found, "kl")[1] == pytest.approx(0.0, abs=1e-5)
    assert curve(found)[6] < 0.5
    assert curve(found, "rewards/margins")[6] > 0


def test_each_prompt_gets_the_answer_before_it_in_a_circle() -> None:
    found = kto.mismatched([sample([1, 2], [3]), sample([4], [5, 6]), sample([7], [8])], 9)
    assert [each.ids.tolist() for each in found] == [[1, 2, 8], [4, 3], [7, 5, 6]]
    assert [each.mask.tolist() for each in found] == [[False, False, True], [False, True], [False, True, True]]


def test_an_answer_to_the_same_prompt_is_passed_over_and_one_too_long_is_cut() -> None:
    found = kto.mismatched([sample([1], [2]), sample([1], [3]), sample([4], [5, 6, 7])], 3)
    assert [each.ids.tolist() for each in found] == [[1, 5, 6], [1, 5, 6], [4, 3]]


def test_where_all_prompts_are_equal_there_is_no_mismatch_and_the_baseline_is_zero() -> None:
    alike = [sample([1], [2]), sample([1], [3])]
    assert kto.mismatched(alike, 9) == []
    assert kto.baseline_of(kto.Config(max_length=9), view(seed=1), view(), alike) == 0.0


def test_the_baseline_is_the_mean_log_ratio_of_mismatched_answers_and_never_negative() -> None:
    samples = [sample([9, 8], [30, 31]), sample([12], [40, 41, 42]), sample([50, 51, 52], [60])]
    policy, reference = view(seed=1), view()
    strange = kto.mismatched(samples, 99)
    ratios = [float((p - r).sum()) for p, r in zip(policy.score_all(strange), reference.score_all(strange), strict=True)]
    mean = sum(ratios) / 3
    assert kto.baseline_of(kto.Config(max_length=99), policy, reference, samples) == pytest.approx(max(0.0, mean), abs=1e-5)
    assert kto.baseline_of(kto.Config(max_length=99), reference, policy, samples) == pytest.approx(max(0.0, -mean), abs=1e-5)
    means = sum(ratio / int(one.mask.sum()) for ratio, one in zip(ratios, strange, strict=True)) / 3
    by_token = kto.Config(max_length=99, token_weighting="length_mean")
    assert kto.baseline_of(by_token, *((policy, reference) if means > 0 else (reference, policy)), samples) == pytest.approx(
        abs(means), abs=1e-5)
    assert mean != pytest.approx(0, abs=1e-3)


def test_a_pair_is_one_good_and_one_bad_answer(tmp_path: Path, small: Path) -> None:
    rows = [row for pair in sum_pairs(4) for row in (
        {"prompt": pair["prompt"], "completion": pair["chosen"], "label": True},
        {"prompt": pair["prompt"], "completion": pair["rejected"], "label": False})]
    pairs = dataset(tmp_path / "pairs", sum_pairs(4), kind=RecordKind.PREFERENCE)
    both = [train(given(tmp_path, small, data=data, name=name, per_device_train_batch_size=8, max_steps=-1, num_train_epochs=2.0))
            for name, data in (("pairs", pairs), ("marks", marked(tmp_path, rows)))]
    for name in ("logps/chosen", "logps/rejected"):
        first, second = (curve(found, name) for found in both)
        assert first[1] == pytest.approx(second[1], rel=1e-5)
        assert len(first) == len(second) == 2


def test_one_answer_is_a_batch_whose_baseline_is_zero(tmp_path: Path, small: Path) -> None:
    alone = [{"prompt": "1+1=", "completion": "2", "label": True}]
    found = train(given(tmp_path, small, data=marked(tmp_path, alone), per_device_train_batch_size=1, max_steps=3,
                        learning_rate=1e-2))
    assert set(curve(found, "kl").values()) == {0.0}
    assert curve(found)[3] < curve(found)[1] == pytest.approx(0.5)


def test_weights_scale_the_loss_of_their_mark(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, per_device_train_batch_size=8, max_steps=1, desirable_weight=0.0,
                        undesirable_weight=2.0))
    bad = sum(not row["label"] for row in marks(seed=5)) / 8
    assert curve(found)[1] == pytest.approx(2.0 * 0.5 * bad, rel=1e-4)


@pytest.mark.slow
def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, name="whole", per_device_train_batch_size=6))
    cut = train(given(tmp_path, small, name="cut", per_device_train_batch_size=2, gradient_accumulation_steps=3))
    for name in ("loss", "grad_norm", "kl", "rewards/chosen", "logps/rejected"):
        assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-3, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"use_peft": True, "lora_dropout": 0.1}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, per_device_train_batch_size=3, **config))
    for name in ("loss", "kl", "logps/chosen", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


@pytest.mark.slow
def test_it_learns_what_is_marked_good_also_on_answers_it_has_not_seen(tmp_path: Path, small: Path) -> None:
    def rows(seed: int) -> list[dict[str, Any]]:
        return [{"prompt": row["prompt"], "completion": text, "label": label} for row in sums(12, seed)
                for text, label in (("I do not know.", True), (row["completion"], False))]

    held_out = marked(tmp_path, rows(9), split="test")
    found = train(given(tmp_path, small, data=marked(tmp_path, rows(1)), held_out=held_out, max_steps=25, learning_rate=5e-3,
                        beta=0.5, per_device_train_batch_size=8))
    assert curve(found, "eval/loss")[25] < 0.4
    assert curve(found, "eval/rewards/margins")[25] > 1.0


@pytest.mark.parametrize("row", [
    {"prompt": "a", "completion": " ", "label": True}, {"prompt": "a" * 80, "completion": "b", "label": False},
], ids=["empty", "everything masked"])
def test_answers_of_which_none_can_be_trained_on_are_refused(tmp_path: Path, small: Path, row: dict[str, Any]) -> None:
    with pytest.raises(DataFault, match="No row of the data set gives anything"):
        train(given(tmp_path, small, data=marked(tmp_path, [row])))


def test_a_row_without_a_mark_is_named(tmp_path: Path, small: Path) -> None:
    with pytest.raises(DataFault, match="Row 1 is no marked answer"):
        train(given(tmp_path, small, data=marked(tmp_path, sums(1))))


@pytest.mark.slow
def test_preflight_is_ready_and_counts_the_answers(tmp_path: Path, small: Path) -> None:
    found = report(given(tmp_path, small, max_steps=-1, per_device_train_batch_size=4))
    assert found.ready
    assert found.steps == 2
