"""A reward model as a run: its curves, its report, the classifier it leaves, exact resume, what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sum_pairs, train, weights
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import DatasetRef, ModelKind, ModelRef, RunSpec
from workers.engine.data.pairs import LeftOut, render_pair
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.methods import rm_bt
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.modeling.models import frozen
from workers.engine.preflight import report
from workers.engine.reward_models import score_all
from workers.engine.rewarding.judging import final_values


def preferences(folder: Path, rows: list[dict[str, Any]] | None = None, split: str = "train") -> DatasetRef:
    return dataset(folder / "pairs", rows or sum_pairs(12, seed=len(split)), kind=RecordKind.PREFERENCE, split=split)


def given(folder: Path, model: Path, *, data: DatasetRef | None = None, name: str = "run", held_out: DatasetRef | None = None,
          **config: Any) -> RunSpec:
    made = spec(folder / name, model=model, data=data or preferences(folder), held_out=held_out, method="rm-bt", **config)
    return made.model_copy(update={"models": {"reward": ModelRef(path=str(model))}})


def test_a_run_logs_what_its_card_names_and_leaves_a_reward_model_and_its_report(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=preferences(tmp_path, split="test"), eval_steps=3))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    assert logged == {metric.name for metric in rm_bt.CARD.metrics}
    assert [event.kind for event in of_type(found, "artifact")] == ["reward_report", "reward_model"]
    assert [event.step for event in of_type(found, "evaluation")] == [0, 3, 6]


def test_the_report_is_on_the_held_out_pairs_and_agrees_with_the_last_evaluation(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=preferences(tmp_path, split="test")))
    path = Path(of_type(found, "artifact")[0].path)
    said = RewardReport.model_validate_json(path.read_text())
    assert (path.name, said.split, said.pairs) == ("reward_report.json", "test", 12)
    assert said.accuracy.value == pytest.approx(curve(found, "eval/accuracy")[6])
    assert curve(found, "eval/samples")[6] == said.accuracy.n == 12
    assert said.margin_mean == pytest.approx(curve(found, "eval/margin")[6], rel=1e-5)


def test_without_a_held_out_split_the_report_is_on_the_training_rows(tmp_path: Path, small: Path) -> None:
    train(given(tmp_path, small, report_limit=5))
    said = json.loads((tmp_path / "run" / "reward_report.json").read_text())
    assert (said["split"], said["pairs"]) == ("train", 5)


@pytest.mark.parametrize("config", [{}, {"use_peft": True}], ids=["whole", "lora"])
def test_the_final_model_gives_transformers_the_scores_that_the_report_saw(
    tmp_path: Path, small: Path, config: dict[str, Any]
) -> None:
    train(given(tmp_path, small, max_steps=4, learning_rate=1e-2, lora_alpha=64, **config))
    said = json.loads((tmp_path / "run" / "reward_report.json").read_text())
    place = tmp_path / "run" / "final"
    tokenizer, model = AutoTokenizer.from_pretrained(place), AutoModelForSequenceClassification.from_pretrained(place)
    assert (model.config.num_labels, model.score.weight.shape[0]) == (1, 1)
    chats = [[{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row[side]}]
             for row in sum_pairs(12, seed=5) for side in ("chosen", "rejected")]
    read: Any = tokenizer.apply_chat_template(chats, return_dict=True, padding=True, return_tensors="pt")
    with torch.no_grad():
        scores = model(**read).logits.squeeze(-1)
    assert said["margin_mean"] == pytest.approx(float((scores[0::2] - scores[1::2]).mean()), rel=1e-4)
    assert said["reward_mean"] == pytest.approx(float(scores.mean()), rel=1e-4)
    assert said["reward_std"] == pytest.approx(float(scores.std()), rel=1e-4)
    assert said["reward_std"] > 1e-3


def test_a_tokenizer_that_pads_with_its_end_token_is_scored_where_transformers_scores_it(tmp_path: Path, small: Path) -> None:
    train(given(tmp_path, small, max_steps=1))
    place = tmp_path / "run" / "final"
    model = AutoModelForSequenceClassification.from_pretrained(place)
    model.config.pad_token_id = 2
    tokenizer = load_tokenizer(str(place))
    samples = [sample for row in sum_pairs(3) for sample in render_pair(
        tokenizer, Record.model_validate(row), 0, max_length=64, mode="drop", left_out=LeftOut())]
    view = frozen(ModelRef(path=str(place), kind=ModelKind.REWARD), torch.device("cpu"))
    view.module.config.pad_token_id = 2
    ours = score_all(view, samples, 2)
    with torch.no_grad():
        theirs = torch.cat([model(input_ids=sample.ids[None]).logits[0] for sample in samples])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert final_values(view, samples) == ours.tolist()


def test_a_trained_reward_model_goes_on_with_its_own_head(tmp_path: Path, small: Path) -> None:
    held_out = preferences(tmp_path, split="test")
    first = train(given(tmp_path, small, held_out=held_out, name="first"))
    again = given(tmp_path, tmp_path / "first" / "final", held_out=held_out, name="again")
    assert curve(train(again), "eval/margin")[0] == pytest.approx(curve(first, "eval/margin")[6], rel=1e-5)


def test_margin_smoothing_and_centring_change_the_loss_as_their_formula_says(tmp_path: Path, small: Path) -> None:
    rows = [row | {"margin": 2.0} for row in sum_pairs(4)]
    data = preferences(tmp_path, rows)
    kinds: dict[str, dict[str, Any]] = {
        "plain": {"margin_weight": 0.0}, "margin": {}, "centred": {"margin_weight": 0.0, "center_rewards_coefficient": 10.0}}
    first = {name: curve(train(given(tmp_path, small, data=data, max_steps=1, name=name, **config)))[1]
             for name, config in kinds.items()}
    assert first["margin"] == pytest.approx(2.1269, abs=0.1)
    assert first["plain"] == pytest.approx(0.6931, abs=0.1)
    assert first["centred"] > first["plain"]


@pytest.mark.slow
def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, name="whole", per_device_train_batch_size=4))
    cut = train(given(tmp_path, small, name="cut", per_device_train_batch_size=2, gradient_accumulation_steps=2))
    for name in ("loss", "grad_norm", "accuracy", "margin", "min_reward"):
        assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-4, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"use_peft": True, "lora_dropout": 0.1}, {"per_device_train_batch_size": 5}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, **config))
    for name in ("loss", "accuracy", "margin", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)
    reports = [(tmp_path / name / "reward_report.json").read_bytes() for name in ("whole", "again")]
    assert reports[0] == reports[1]


@pytest.mark.slow
def test_it_learns_to_tell_an_answer_from_an_excuse_on_pairs_it_has_not_seen(tmp_path: Path, small: Path) -> None:
    def rows(seed: int) -> list[dict[str, Any]]:
        return [{"prompt": row["prompt"], "chosen": row["chosen"], "rejected": "I do not know."} for row in sum_pairs(24, seed)]

    held_out = preferences(tmp_path, rows(9), split="test")
    found = train(given(tmp_path, small, data=preferences(tmp_path, rows(1)), held_out=held_out, max_steps=20,
                        learning_rate=1e-2))
    assert curve(found, "eval/accuracy")[20] == 1.0
    assert curve(found, "eval/margin")[20] > 1.0


def test_pairs_left_out_are_told_in_the_log_and_the_others_trained(tmp_path: Path, small: Path) -> None:
    rows = [*sum_pairs(3), {"prompt": "a", "chosen": "b", "rejected": "b"}]
    found = train(given(tmp_path, small, data=preferences(tmp_path, rows)))
    warned = [event.message for event in of_type(found, "log") if event.level == "warning"]
    assert warned == ["Left out so far: 1 whose two answers are equal."]
    assert max(curve(found)) == 6


def test_one_pair_is_enough_to_train_on(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, data=preferences(tmp_path, sum_pairs(1))))
    assert found[-1].type == "done"
    assert curve(found)[6] < curve(found)[1]


@pytest.mark.parametrize("row", [
    {"prompt": "a", "chosen": "b", "rejected": "b"}, {"prompt": "a" * 80, "chosen": "b", "rejected": "c"},
], ids=["equal", "everything masked"])
def test_pairs_of_which_none_can_be_trained_on_are_refused(tmp_path: Path, small: Path, row: dict[str, Any]) -> None:
    with pytest.raises(DataFault, match="No row of the data set gives anything"):
        train(given(tmp_path, small, data=preferences(tmp_path, [row]), truncation_mode="keep_start"))


def test_a_length_beyond_the_context_is_refused_with_the_bound(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigFault, match="context of 256"):
        train(given(tmp_path, small, max_length=300))


def test_preflight_is_ready_and_counts_both_sides(tmp_path: Path, small: Path) -> None:
    found = report(given(tmp_path, small))
    assert found.ready
    assert found.steps == 6


@pytest.mark.parametrize(("mode", "code"), [("keep_end", "truncation"), ("keep_start", "prompt_too_long")])
def test_preflight_knows_that_cutting_prompts_makes_room_for_answers(tmp_path: Path, small: Path, mode: str, code: str) -> None:
    rows = [row | {"prompt": row["prompt"] + "x" * 80} for row in sum_pairs(2)]
    found = report(given(tmp_path, small, data=preferences(tmp_path, [*sum_pairs(2), *rows]), truncation_mode=mode))
    assert [finding.code for finding in found.findings if finding.level == "warning"] == [code]


def test_preflight_tells_pairs_that_teach_nothing(tmp_path: Path, small: Path) -> None:
    rows = [*sum_pairs(3), {"prompt": "a", "chosen": "b", "rejected": "b"}]
    found = report(given(tmp_path, small, data=preferences(tmp_path, rows)))
    (said,) = [finding for finding in found.findings if finding.code == "pairs"]
    assert (said.level, said.field) == ("warning", "data")
    assert said.message.startswith("1 of the first 4 pairs cannot be told apart and will be left out")
