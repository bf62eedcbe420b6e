"""Sampling writes every answer down, marks those that can be marked, and repeats itself for a seed."""

import json
from pathlib import Path

import pytest

from tests.engine.builders import of_type, train
from tests.engine.tasks.asking import KNOWN, StopsAt, asked, task_spec
from workers.contract.control import Stop
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef, RunKind
from workers.contract.samples import SampledPrompt
from workers.engine import preflight
from workers.engine.faults import DataFault


def _sample(folder: Path, *, rows, kind=RecordKind.DEMONSTRATION, models, inbox=None, seed=0, **config):
    config = {"max_completion_length": 6, "temperature": 0.0, "num_generations": 1, "shuffle": False} | config
    given = task_spec(folder / "run", "generate-samples", kind=RunKind.GENERATE, models=models, seed=seed,
                      datasets={"prompts": asked(folder / "data", rows, kind=kind)}, **config)
    return given, train(given, inbox)


def _written(found) -> list[SampledPrompt]:
    (artifact,) = of_type(found, "artifact")
    assert artifact.kind == "samples"
    return [SampledPrompt.model_validate_json(line) for line in (Path(artifact.path) / "samples.jsonl").read_text().splitlines()]


def test_right_answers_are_marked_and_counted(knows: Path, tmp_path: Path) -> None:
    rows = [*KNOWN, {"prompt": "1+2=", "completion": "7"}]
    _, found = _sample(tmp_path, rows=rows, models={"policy": ModelRef(path=str(knows), model_id="mdl_1", name="Sums")})
    written = _written(found)
    assert [(one.row, one.answers[0].text, one.answers[0].right) for one in written] == [
        (0, "3", True), (1, "4", True), (2, "7", True), (3, "6", True), (4, "3", False)]
    assert {(one.answers[0].model_id, one.answers[0].model_name) for one in written} == {("mdl_1", "Sums")}
    assert of_type(found, "done")[0].summary["samples/right"] == pytest.approx(4 / 5)


def test_two_models_answer_the_same_prompts_in_order(knows: Path, small: Path, tmp_path: Path) -> None:
    models = {"policy": ModelRef(path=str(knows), model_id="a"), "policy_b": ModelRef(path=str(small), model_id="b")}
    _, found = _sample(tmp_path, rows=KNOWN, models=models, num_generations=2, temperature=1.0)
    for one in _written(found):
        assert [answer.model_id for answer in one.answers] == ["a", "a", "b", "b"]


def test_prompts_without_references_are_not_marked(small: Path, tmp_path: Path) -> None:
    _, found = _sample(tmp_path, rows=[{"prompt": "say"}], kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))})
    assert _written(found)[0].answers[0].right is None
    assert "samples/right" not in of_type(found, "done")[0].summary


def test_the_same_seed_draws_the_same_prompts_and_answers(small: Path, tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}?"} for n in range(30)]
    texts = []
    for number, seed in enumerate((1, 1, 2)):
        models = {"policy": ModelRef(path=str(small))}
        _, found = _sample(tmp_path / str(number), rows=rows, kind=RecordKind.PROMPT, models=models, prompts=5,
                           shuffle=True, temperature=1.0, seed=seed)
        texts.append([(one.row, one.answers[0].text) for one in _written(found)])
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 5


def test_progress_tells_the_time_left(small: Path, tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}?"} for n in range(8)]
    _, found = _sample(tmp_path, rows=rows, kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))}, rollout_rows=2)
    steps = [(event.step, event.total) for event in of_type(found, "progress")]
    assert steps == [(0, 8), (2, 8), (4, 8), (6, 8), (8, 8)]
    assert of_type(found, "progress")[1].eta_seconds > 0


@pytest.mark.parametrize(("keep", "kept"), [(True, 4), (False, None)])
def test_stop_keeps_what_is_written_when_asked_to(small: Path, tmp_path: Path, keep: bool, kept: int | None) -> None:
    rows = [{"prompt": f"{n}?"} for n in range(8)]
    _, found = _sample(tmp_path, rows=rows, kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))},
                       rollout_rows=2, inbox=StopsAt(3, Stop(checkpoint=keep)))
    assert of_type(found, "done")[0].reason == "stopped"
    assert (len(_written(found)) if of_type(found, "artifact") else None) == kept


def test_a_prompt_that_fills_the_context_is_left_out_and_said(small: Path, tmp_path: Path) -> None:
    rows = [{"prompt": "short"}, {"prompt": "x" * 300}]
    given, found = _sample(tmp_path, rows=rows, kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))})
    assert [one.row for one in _written(found)] == [0]
    assert any("1 of 2 prompts leave no room" in event.message for event in of_type(found, "log"))
    report = preflight.report(given)
    assert report.ready
    assert [finding.code for finding in report.findings if finding.level == "warning"] == ["prompt_too_long"]


def test_when_no_prompt_fits_it_fails_with_the_reason(small: Path, tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="None of the 1 prompts leaves room"):
        _sample(tmp_path, rows=[{"prompt": "x" * 300}], kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))})


def test_an_empty_split_fails_with_the_reason(small: Path, tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="has no rows"):
        _sample(tmp_path, rows=[], kind=RecordKind.PROMPT, models={"policy": ModelRef(path=str(small))})


def test_answers_are_shown_as_rollouts(knows: Path, tmp_path: Path) -> None:
    _, found = _sample(tmp_path, rows=KNOWN, models={"policy": ModelRef(path=str(knows))})
    first = of_type(found, "rollout")[0]
    assert (first.prompt, first.reference_answer, first.answers[0].text, first.answers[0].reward) == ("1+2=", "3", "3", 1.0)
    assert json.loads(first.model_dump_json())["step"] == len(KNOWN)
