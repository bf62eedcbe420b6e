"""Accuracy and pass@k agree with a count by hand, and say what was not counted."""

import json
from pathlib import Path

import pytest

from tests.engine.builders import curve, of_type, train
from tests.engine.tasks.asking import KNOWN, StopsAt, asked, task_spec
from workers.contract.control import Stop
from workers.contract.evaluation import EvaluationItem, EvaluationReport
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef, RewardPipeline, RewardTerm
from workers.engine import preflight
from workers.engine.faults import ConfigFault, DataFault
from workers.statistics import pass_at_k, wilson

ROWS = [*({"prompt": row["prompt"], "answer": row["completion"]} for row in KNOWN), {"prompt": "1+2=", "answer": "9"}]


def _evaluate(folder: Path, model: Path, *, rows=ROWS, kind=RecordKind.PROMPT_ANSWER, inbox=None, reward=None, **config):
    given = task_spec(folder / "run", "evaluate-answers", models={"policy": ModelRef(path=str(model), model_id="mdl_1")},
                      datasets={"prompts": asked(folder / "data", rows, kind=kind)}, reward=reward,
                      **({"max_completion_length": 6} | config))
    return given, train(given, inbox)


def read(found) -> tuple[EvaluationReport, list[EvaluationItem]]:
    (artifact,) = of_type(found, "artifact")
    assert artifact.kind == "evaluation"
    place = Path(artifact.path)
    items = [EvaluationItem.model_validate_json(line) for line in (place / "items.jsonl").read_text().splitlines()]
    return EvaluationReport.model_validate_json((place / "report.json").read_text()), items


def test_greedy_accuracy_is_the_share_of_right_answers(knows: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, knows)
    report, items = read(found)
    assert [item.values["accuracy"] for item in items] == [1, 1, 1, 1, 0]
    expected = wilson(4, 5)
    assert report.metrics["accuracy"] == expected
    assert (report.suite, report.primary, report.items, report.models[0].model_id) == ("small-sums", "accuracy", 5, "mdl_1")
    assert of_type(found, "done")[0].summary["eval/small-sums/accuracy"] == 0.8
    assert curve(found, "eval/small-sums/accuracy") == {5: 0.8}
    assert of_type(found, "evaluation")[0].values["eval/small-sums/accuracy"] == 0.8
    assert [event.answers[0].reward for event in of_type(found, "rollout")] == [1, 1, 1, 1, 0]


def test_pass_at_k_is_counted_from_the_answers(knows: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, knows, num_generations=6, temperature=1.5, verifier="exact_match")
    report, items = read(found)
    for item in items:
        right = sum(answer.text.strip() == item.reference for answer in item.answers)
        assert item.values["accuracy"] == pytest.approx(right / 6)
        for k in (2, 4, 6):
            assert item.values[f"pass@{k}"] == pytest.approx(pass_at_k(6, right, k))
    mean = sum(item.values["pass@4"] for item in items) / len(items)
    assert report.metrics["pass@4"].value == pytest.approx(mean)
    assert 0 < (report.metrics["accuracy"].value or 0) < 1


def test_equal_questions_have_equal_keys_in_any_data_set(knows: Path, small: Path, tmp_path: Path) -> None:
    _, one = read(_evaluate(tmp_path / "a", knows)[1])
    _, other = read(_evaluate(tmp_path / "b", small, rows=list(reversed(ROWS)))[1])
    assert [item.key for item in one] == [item.key for item in reversed(other)]
    _, twice = read(_evaluate(tmp_path / "c", knows, rows=[ROWS[0], ROWS[0]])[1])
    assert twice[1].key == f"{twice[0].key}-2"


def test_the_suite_key_speaks_of_data_and_verifier_not_of_the_model(knows: Path, small: Path, tmp_path: Path) -> None:
    reports = [read(_evaluate(tmp_path / name, model, **config)[1])[0] for name, model, config in (
        ("a", knows, {}), ("b", small, {"max_completion_length": 3}), ("c", knows, {"verifier": "exact_match"}))]
    a, b, c = (report.suite_key for report in reports)
    # The data sets lie in three directories: without a content hash the place is the identity.
    assert len({a, b, c}) == 3
    same = task_spec(tmp_path / "d" / "run", "evaluate-answers", models={"policy": ModelRef(path=str(small))},
                     datasets={"prompts": asked(tmp_path / "a" / "data", ROWS)}, max_completion_length=3)
    assert read(train(same))[0].suite_key == a


def test_rows_without_references_are_left_out_and_said(knows: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, knows, rows=[ROWS[0], {"prompt": "2+2="}])
    report, items = read(found)
    assert len(items) == 1
    assert report.left_out == ["1 of 2 rows have no reference answer."]


def test_no_reference_at_all_is_refused_before_and_while_running(small: Path, tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="None of the 2 rows has a reference"):
        _evaluate(tmp_path, small, rows=[{"prompt": "a"}, {"prompt": "b"}], kind=RecordKind.PROMPT)
    given = task_spec(tmp_path / "run2", "evaluate-answers", models={"policy": ModelRef(path=str(small))},
                      max_completion_length=6,
                      datasets={"prompts": asked(tmp_path / "data", [{"prompt": "a"}], kind=RecordKind.PROMPT)})
    report = preflight.report(given)
    assert [finding.code for finding in report.findings if finding.level == "error"] == ["no_reference"]


def test_a_reward_may_decide_what_is_right(knows: Path, tmp_path: Path) -> None:
    reward = RewardPipeline(terms=[RewardTerm(name="three", kind="regex_match", params={"pattern": "3"})])
    _, found = _evaluate(tmp_path, knows, verifier="reward", reward=reward, kind=RecordKind.PROMPT,
                         rows=[{"prompt": row["prompt"]} for row in KNOWN])
    report, items = read(found)
    assert [item.values["accuracy"] for item in items] == [1, 0, 0, 0]
    assert report.metrics["reward"].value == 0.25
    with pytest.raises(ConfigFault, match="the run has none"):
        _evaluate(tmp_path / "none", knows, verifier="reward")


def test_an_empty_split_says_so(small: Path, tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="has no rows"):
        _evaluate(tmp_path, small, rows=[])


def test_a_stop_keeps_a_partial_report(knows: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, knows, rollout_rows=2, inbox=StopsAt(2, Stop()))
    report, items = read(found)
    assert (report.partial, len(items)) == (True, 2)
    assert of_type(found, "done")[0].reason == "stopped"


def test_items_are_json_a_browser_can_read(knows: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, knows)
    line = (Path(of_type(found, "artifact")[0].path) / "items.jsonl").read_text().splitlines()[0]
    assert set(json.loads(line)) == {"key", "row", "prompt", "reference", "answers", "values", "notes"}
