"""Reward models of every kind as runs: curves as the card names them, the classifier they leave, reports, bad rows, resuming."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sum_pairs, sums, train, weights
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import ModelRef, RunSpec
from workers.engine.data.labelled_steps import chance
from workers.engine.data.pairs import render_answer
from workers.engine.faults import ConfigFault, DataFault, ModelFault
from workers.engine.method import method_of
from workers.engine.methods import rm_ensemble, rm_implicit, rm_pl, rm_prm, rm_regression
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.modeling.reward_heads import head_of
from workers.engine.preflight import report
from workers.engine.rollout import judged_answers

Rows = list[dict[str, Any]]


def marked(count: int, seed: int = 0) -> Rows:
    return [{"prompt": row["prompt"], "completion": row[side], "label": side == "chosen", "extra": {"score": grade}}
            for row in sum_pairs(count, seed) for side, grade in (("chosen", 4.0), ("rejected", 1.0))]


def seen(rows: Rows) -> Rows:
    """The same answers, shown by turns at the top and far below."""
    return [row | {"extra": {"propensity": (1.0, 0.25, 0.01)[at % 3]}} for at, row in enumerate(rows)]


def rankings(count: int, seed: int = 0) -> Rows:
    return [{"prompt": row["prompt"], "completions": [row["completion"], "0", "1", "no idea at all"], "ranks": [1, 2, 2, 3]}
            for row in sums(count, seed)]


def stepwise(count: int, seed: int = 0) -> Rows:
    return [{"prompt": row["prompt"], "completions": ["so it is", row["completion"] if at % 2 else "7777", "done"],
             "labels": [True, bool(at % 2), 0.25 if at % 3 else bool(at % 2)]} for at, row in enumerate(sums(count, seed))]


DATA: dict[str, tuple[RecordKind, Any]] = {
    "rm-orm": (RecordKind.UNPAIRED, marked), "rm-regression": (RecordKind.UNPAIRED, marked),
    "rm-implicit": (RecordKind.UNPAIRED, lambda count, seed=0: seen(marked(count, seed))),
    "rm-pl": (RecordKind.RANKING, rankings), "rm-prm": (RecordKind.STEPWISE, stepwise),
    "rm-ensemble": (RecordKind.PREFERENCE, sum_pairs),
}


def given(folder: Path, model: Path, method: str, *, rows: Rows | None = None, name: str = "run", kind: RecordKind | None = None,
          held_out: bool = False, **config: Any) -> RunSpec:
    own, make = DATA[method]
    data = dataset(folder / f"{name}-data", make(8, 5) if rows is None else rows, kind=kind or own)
    test = dataset(folder / f"{name}-data", make(6, 4), kind=own, split="test") if held_out else None
    made = spec(folder / name, model=model, data=data, held_out=test, method=method, **config)
    return made.model_copy(update={"models": {"reward": ModelRef(path=str(model))}})


def scores(place: Path, rows: list[tuple[str, str]]) -> torch.Tensor:
    """Transformers' logits [n,E] for prompts and answers."""
    tokenizer, model = load_tokenizer(str(place)), AutoModelForSequenceClassification.from_pretrained(place)
    with torch.no_grad():
        return torch.cat([model(input_ids=torch.tensor([
            render_answer(tokenizer, Record(prompt=prompt), answer).ids])).logits for prompt, answer in rows])


@pytest.mark.parametrize("method", DATA)
def test_a_run_logs_what_its_card_names_and_leaves_a_classifier_that_says_what_it_is(
    tmp_path: Path, small: Path, method: str) -> None:
    found = train(given(tmp_path, small, method, held_out=True, eval_steps=3, max_steps=3))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    assert logged == {metric.name for metric in method_of(method).CARD.metrics}
    assert [event.kind for event in of_type(found, "artifact")] == ["reward_report", "reward_model"]
    said = RewardReport.model_validate_json((tmp_path / "run" / "reward_report.json").read_text())
    assert (said.split, said.held_out) == ("test", True)
    last = {name: curve(found, f"eval/{name}")[3] for name in ("samples", "loss")}
    assert said.pairs == last["samples"]
    head = head_of(str(tmp_path / "run" / "final"))
    wanted = {"rm-orm": "outcome", "rm-implicit": "outcome", "rm-prm": "process", "rm-regression": "regression"}
    assert (head.objective, head.heads) == (wanted.get(method, "preference"), 4 if method == "rm-ensemble" else 1)
    assert report(given(tmp_path, small, method, name="checked", max_steps=2)).ready


def test_an_outcome_models_report_is_what_transformers_says_of_the_same_answers(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "rm-orm", held_out=True, max_steps=4, learning_rate=1e-2, loss_on="every_token"))
    rows = marked(6, 4)
    logits = scores(tmp_path / "run" / "final", [(row["prompt"], row["completion"]) for row in rows]).squeeze(-1)
    labels = torch.tensor([row["label"] for row in rows])
    assert curve(found, "eval/loss")[4] == pytest.approx(
        float(torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float())), rel=1e-4)
    said = RewardReport.model_validate_json((tmp_path / "run" / "reward_report.json").read_text())
    assert said.accuracy.value == pytest.approx(float(((logits >= 0) == labels).float().mean()))
    assert {one.name for one in said.measures} == {"auc", "best_of_2"}
    assert said.reward_mean == pytest.approx(float(logits.mean()), rel=1e-4)


def test_an_ensembles_heads_differ_and_transformers_gives_all_of_them(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "rm-ensemble", held_out=True, heads=3, max_steps=4, learning_rate=1e-2))
    rows = [(row["prompt"], row[side]) for row in sum_pairs(6, 4) for side in ("chosen", "rejected")]
    logits = scores(tmp_path / "run" / "final", rows)
    margins = logits[0::2] - logits[1::2]
    assert logits.shape == (12, 3)
    assert curve(found, "eval/margin")[4] == pytest.approx(float(margins.mean()), rel=1e-4)
    assert curve(found, "eval/ensemble_std")[4] == pytest.approx(float(margins.std(-1, correction=0).mean()), rel=1e-4)
    assert curve(found, "eval/ensemble_std")[4] > 1e-4
    with pytest.raises(ModelFault, match="gives 3 numbers"):
        train(given(tmp_path, tmp_path / "run" / "final", "rm-orm", name="again"))


def test_every_head_draws_as_many_rows_as_there_are_and_its_own() -> None:
    counts = rm_ensemble.Draws(3, seed=1).of(50)
    assert counts.sum(0).tolist() == [50, 50, 50]
    assert not torch.equal(counts[:, 0], counts[:, 1])
    assert torch.equal(counts, rm_ensemble.Draws(3, seed=1).of(50))


def test_one_step_or_the_last_one_alone_makes_a_process_model_an_outcome_model(tmp_path: Path, small: Path) -> None:
    rows = marked(4)
    steps = [{"prompt": row["prompt"], "completions": [row["completion"]], "labels": [row["label"]]} for row in rows]
    led = [{"prompt": row["prompt"], "completions": ["x", row["completion"]], "labels": [0.5, row["label"]]} for row in rows]
    same: dict[str, Any] = {"max_steps": 2, "per_device_train_batch_size": 8}
    outcome = curve(train(given(tmp_path, small, "rm-orm", rows=rows, **same)))
    process = curve(train(given(tmp_path, small, "rm-prm", rows=steps, name="process", **same)))
    assert process == pytest.approx(outcome, rel=1e-6)
    joined = [row | {"completion": f"x\n{row['completion']}"} for row in rows]
    longer = curve(train(given(tmp_path, small, "rm-orm", rows=joined, name="joined", **same)))
    last = curve(train(given(tmp_path, small, "rm-prm", rows=led, name="last", train_on_last_step_only=True, **same)))
    assert last == pytest.approx(longer, rel=1e-6)


def test_a_ranking_of_two_is_a_pair(tmp_path: Path, small: Path) -> None:
    """The three ways to learn from pairs take the same steps."""
    paired = given(tmp_path, small, "rm-ensemble", max_steps=2).model_copy(update={
        "method": "rm-bt", "config": {"max_steps": 2, "learning_rate": 1e-3, "max_length": 64, "per_device_train_batch_size": 4}})
    rows = sum_pairs(8, 5)
    wanted = curve(train(paired))
    for loss in ("plackett_luce", "pairwise"):
        found = train(given(tmp_path, small, "rm-pl", rows=rows, kind=RecordKind.PREFERENCE, name=loss, loss_type=loss,
                            max_steps=2))
        assert curve(found) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("method", "config"), [
    ("rm-pl", {}), ("rm-ensemble", {"use_peft": True, "lora_dropout": 0.1}), ("rm-orm", {"balance": "prompts"})])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    tmp_path: Path, small: Path, method: str, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, method, name=name, max_steps=4, **config))
    for name in ("loss", "accuracy", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


@pytest.mark.parametrize(("method", "row", "says"), [
    ("rm-prm", {"prompt": "a", "completions": ["b", "c"], "labels": [1.0]}, "2 steps and 1 labels"),
    ("rm-prm", {"prompt": "a", "completions": ["b"], "labels": [-1]}, "label of step 1 is -1, and labels are from 0 to 1"),
    ("rm-prm", {"prompt": "a", "completions": [" ", ""], "labels": [1, 1]}, "No row of the data set gives anything"),
    ("rm-pl", {"prompt": "a", "completions": ["b"], "ranks": [1]}, "No row of the data set gives anything"),
    ("rm-pl", {"prompt": "a", "completions": ["b", "c"], "ranks": [1, 1]}, "No row of the data set gives anything"),
    ("rm-pl", {"prompt": "a", "completions": ["b", "c"], "ranks": [1]}, "2 answers and 1 ranks"),
    ("rm-orm", {"prompt": "a", "completion": "b"}, "is no marked answer"),
    ("rm-implicit", {"prompt": "a", "completion": "b", "label": True, "extra": {"propensity": 0}}, "holds no chance above 0"),
    ("rm-regression", {"prompt": "a", "completion": "b", "extra": {"score": "good"}}, "holds no grade"),
    ("rm-regression", {"prompt": "a", "completion": "b", "extra": {"score": 9}}, "the grade 9 is outside -inf to 5"),
])
def test_rows_that_teach_nothing_or_do_not_fit_are_refused_in_words(
    tmp_path: Path, small: Path, method: str, row: dict[str, Any], says: str) -> None:
    config: dict[str, Any] = {"score_high": 5.0} if method == "rm-regression" else {}
    with pytest.raises(DataFault, match=says):
        train(given(tmp_path, small, method, rows=[row], **config))


@pytest.mark.parametrize("method", DATA)
def test_one_row_is_enough_and_those_left_out_are_told(tmp_path: Path, small: Path, method: str) -> None:
    kind, make = DATA[method]
    empty: dict[RecordKind, Any] = {
        RecordKind.UNPAIRED: {"prompt": "a", "completion": " ", "label": True},
        RecordKind.RANKING: {"prompt": "a", "completions": ["", "b"], "ranks": [1, 2]},
        RecordKind.STEPWISE: {"prompt": "a", "completions": [""], "labels": [True]},
        RecordKind.PREFERENCE: {"prompt": "a", "chosen": "b", "rejected": "b"}}
    found = train(given(tmp_path, small, method, rows=[make(1)[0], empty[kind]], max_steps=3, per_device_train_batch_size=1))
    assert found[-1].type == "done"
    [warned] = [event.message for event in of_type(found, "log") if event.level == "warning"]
    assert warned.startswith("Left out so far: 1 ")


def test_labels_behind_the_first_error_and_marks() -> None:
    record = Record(prompt="a", completions=["s\n", "t", " ", "u"], labels=[1, -1, 0, 0])
    marks = rm_prm.Config(labels="marks", after_first_error="leave_out")
    assert rm_prm.labelled(marks, record, 0) == [("s", 1.0), ("t", 0.0), ("u", None)]
    assert rm_prm.labelled(rm_prm.Config(labels="marks"), record, 0)[2] == ("u", 1.0)
    with pytest.raises(DataFault, match="labels are −1, 0 or 1"):
        chance(0.5, "marks", 0, 0)


def test_weights_that_balance_have_mean_one_and_give_both_sides_the_same() -> None:
    keys = [("p", True)] * 3 + [("p", False)] + [("q", True)] * 2
    found = judged_answers.balanced(keys)
    assert sum(found[key] for key in keys) == pytest.approx(len(keys))
    assert 3 * found[("p", True)] == pytest.approx(found[("p", False)])
    assert found[("q", True)] == 0
    assert judged_answers.balanced([("", True), ("", True)]) == {("", True): 0.0}


def test_inverse_propensities_are_bounded_and_have_mean_one_over_the_data(tmp_path: Path, small: Path) -> None:
    """Two steps over all of the data: their loss is that of the same rows, each as often as it weighs."""
    rows = [row | {"extra": {"propensity": chance}} for row, chance in zip(marked(2), (1.0, 0.5, 0.25, 0.25), strict=True)]
    often = [row for row, count in zip(marked(2), (1, 2, 4, 4), strict=True) for _ in range(count)]
    same: dict[str, Any] = {"max_steps": 1, "max_grad_norm": 0.0}
    found = curve(train(given(tmp_path, small, "rm-implicit", rows=rows, **same)))[1]
    wanted = curve(train(given(tmp_path, small, "rm-orm", rows=often, name="often", **same | {
        "per_device_train_batch_size": 11})))[1]
    assert found == pytest.approx(wanted, rel=1e-5)
    config = rm_implicit.Config()
    assert rm_implicit.propensity(config, Record(prompt="a"), 0) == 1.0


def test_how_a_ranking_is_kept() -> None:
    found = rm_pl.order_of([3.0, 1.0, 2.0, 2.0], [1, 2, 2, 3])
    assert (found.right, found.wrong, found.pairs, found.top) == (3, 1, 5, True)
    assert found.tau == pytest.approx(0.4)


def test_a_pair_is_graded_by_its_two_columns_and_a_mark_where_there_is_no_grade() -> None:
    config = rm_regression.Config()
    pair = Record(prompt="a", chosen="b", rejected="c", extra={"score_chosen": 4, "score_rejected": 2.5})
    assert rm_regression.graded(config, pair, 0) == [("b", 4.0), ("c", 2.5)]
    assert rm_regression.graded(config, Record(prompt="a", completion="b", label=False), 0) == [("b", 0.0)]


def test_a_range_of_grades_the_wrong_way_round_is_refused(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigFault, match=r"score_low \(5\) must be below"):
        train(given(tmp_path, small, "rm-regression", score_low=5.0, score_high=1.0))


def test_reports_travel_as_plain_json(tmp_path: Path, small: Path) -> None:
    train(given(tmp_path, small, "rm-regression", max_steps=1))
    said = json.loads((tmp_path / "run" / "reward_report.json").read_text())
    assert (said["kind"], said["held_out"], said["pairs"]) == ("regression", False, 16)
    assert [one["name"] for one in said["measures"]] == ["rmse", "mae", "r2", "pearson", "spearman"]
