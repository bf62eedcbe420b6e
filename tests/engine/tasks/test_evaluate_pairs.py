"""Pairs: a reward model's preferences by transformers' own scores, a language model's by transformers' own log-probs."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.engine.builders import SMALL, of_type, train
from tests.engine.tasks.asking import asked, task_spec
from tests.engine.tasks.test_evaluate_answers import read
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import ModelKind, ModelRef
from workers.engine import preflight
from workers.engine.data.rendering import render_demonstration
from workers.engine.faults import DataFault, ModelFault
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.training.training_state import write_model

WRONG = ("7", "no", "12", "four", "x")
PAIRS = [{"prompt": f"{n}+1=", "chosen": str(n + 1), "rejected": answer} for n, answer in enumerate(WRONG)]


@pytest.fixture(scope="module")
def scorer(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reward")
    torch.manual_seed(3)
    write_model(load_scalar(str(small)), load_tokenizer(str(small)), place)
    return place


def _evaluate(folder: Path, models: dict[str, ModelRef], rows=PAIRS, **config):
    given = task_spec(folder / "run", "evaluate-pairs", models=models, **config,
                      datasets={"pairs": asked(folder / "data", rows, kind=RecordKind.PREFERENCE)})
    return given, train(given)


def _ids(tokenizer, prompt: str, answer: str) -> torch.Tensor:
    return torch.tensor(render_demonstration(tokenizer, Record(prompt=prompt, completion=answer))[-1].ids)[None]


def test_a_reward_models_accuracy_is_that_of_transformers_scores(scorer: Path, tmp_path: Path) -> None:
    report, items = read(_evaluate(tmp_path, {"model": ModelRef(path=str(scorer), kind=ModelKind.REWARD)})[1])
    peer, tokenizer = AutoModelForSequenceClassification.from_pretrained(scorer), AutoTokenizer.from_pretrained(scorer)
    with torch.no_grad():
        theirs = [[float(peer(_ids(tokenizer, row["prompt"], row[side])).logits) for side in ("chosen", "rejected")]
                  for row in PAIRS]
    assert [[answer.score for answer in item.answers] for item in items] == [pytest.approx(pair, abs=1e-5) for pair in theirs]
    assert report.metrics["accuracy"].value == sum(a > b for a, b in theirs) / 5
    assert report.metrics["margin"].value == pytest.approx(sum(a - b for a, b in theirs) / 5, abs=1e-5)


def test_a_language_model_prefers_what_it_finds_likelier(knows: Path, tmp_path: Path) -> None:
    _, items = read(_evaluate(tmp_path, {"model": ModelRef(path=str(knows))}, score="sum")[1])
    peer, tokenizer = AutoModelForCausalLM.from_pretrained(knows), AutoTokenizer.from_pretrained(knows)
    row = PAIRS[1]
    rendered = render_demonstration(tokenizer, Record(prompt=row["prompt"], completion=row["chosen"]))[-1]
    ids = torch.tensor(rendered.ids)
    with torch.no_grad():
        logprobs = peer(ids[None]).logits[0, :-1].log_softmax(-1).gather(-1, ids[1:, None])[:, 0]
    theirs = float(logprobs[torch.tensor(rendered.trained[1:])].sum())
    assert items[1].answers[0].score == pytest.approx(theirs, abs=1e-4)


def test_the_implicit_reward_of_a_model_against_itself_is_a_tie(small: Path, tmp_path: Path) -> None:
    models = {"model": ModelRef(path=str(small)), "reference": ModelRef(path=str(small))}
    report, items = read(_evaluate(tmp_path, models)[1])
    assert {item.values["accuracy"] for item in items} == {0.5}
    assert report.metrics["accuracy"].value == 0.5


def test_equal_and_empty_sides_are_left_out_and_said(scorer: Path, tmp_path: Path) -> None:
    rows = [*PAIRS, {"prompt": "a", "chosen": "b", "rejected": "b"}, {"prompt": "a", "chosen": " ", "rejected": "b"}]
    report, items = read(_evaluate(tmp_path, {"model": ModelRef(path=str(scorer), kind=ModelKind.REWARD)}, rows)[1])
    assert len(items) == 5
    assert report.left_out == ["1 of 7 pairs have two equal answers.", "1 of 7 pairs have an empty answer."]
    with pytest.raises(DataFault, match="No pair can be scored"):
        _evaluate(tmp_path / "none", {"model": ModelRef(path=str(scorer), kind=ModelKind.REWARD)}, rows[5:6])


def test_a_reference_with_another_tokenizer_is_refused(small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_model(0, **SMALL).save_pretrained(other)
    tokenizer = make_tokenizer(256)
    tokenizer.add_tokens(["two"])
    tokenizer.save_pretrained(other)
    models = {"model": ModelRef(path=str(small)), "reference": ModelRef(path=str(other))}
    with pytest.raises(ModelFault, match="different tokenizers"):
        _evaluate(tmp_path, models)
    given = task_spec(tmp_path / "again", "evaluate-pairs", models=models,
                      datasets={"pairs": asked(tmp_path / "data", PAIRS, kind=RecordKind.PREFERENCE)})
    assert any("different tokenizers" in finding.message for finding in preflight.report(given).findings)


def test_longer_answers_are_watched(scorer: Path, tmp_path: Path) -> None:
    _, found = _evaluate(tmp_path, {"model": ModelRef(path=str(scorer), kind=ModelKind.REWARD)})
    _, items = read(found)
    assert ["longer_wins" in item.values for item in items] == [False, True, True, True, False]
    assert "eval/small-sums/margin" in of_type(found, "done")[0].summary
