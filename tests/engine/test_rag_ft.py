"""Passages in the prompt: which are shown, that they are not trained, and what is left without them."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tests.engine.builders import curve, dataset, train
from tests.engine.supervised_builders import given
from workers.contract.records import Record
from workers.contract.run_spec import RunSpec
from workers.engine.composition import Setting
from workers.engine.data.rows import Rows
from workers.engine.faults import DataFault
from workers.engine.methods import rag_ft
from workers.engine.modeling.tiny_model import make_tokenizer

TABLE: list[dict[str, Any]] = [
    {"prompt": "q0", "completion": "a0", "extra": {"documents": ["right 0", "wrong 0"], "gold": 0}},
    {"prompt": "q1", "completion": "a1", "extra": {"context": "all of 1"}},
    {"prompt": "q2", "completion": "a2", "extra": {"contexts": [{"text": "x 2"}, {"text": "right 2"}, " "], "gold": [1]}},
]


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(dataset(tmp_path / "passages", TABLE))


@settings(max_examples=25, deadline=None)
@examples(st.integers(0, 1000), st.integers(0, 2), st.integers(0, 3), st.booleans())
def test_the_right_passages_are_there_when_kept_and_never_when_not(
    tmp_path_factory: pytest.TempPathFactory, seed: int, row: int, distractors: int, keep: bool
) -> None:
    table = Rows(dataset(tmp_path_factory.getbasetemp() / "passages", TABLE))
    right = [{"right 0"}, {"all of 1"}, {"right 2"}][row]
    config = rag_ft.Config(distractors=distractors)
    shown = rag_ft.passages(config, table, table[row], row, random.Random(seed), keep=keep)
    assert right <= set(shown) if keep else not right & set(shown)
    assert len(shown) == len(set(shown))
    own = {"right 0", "wrong 0", "all of 1", "x 2", "right 2"}
    assert set(shown) <= own
    assert len(set(shown) - set(rag_ft.documents_of(config, table[row]))) <= distractors


def test_the_answer_alone_is_trained_and_the_prompt_is_the_same_each_time(rows: Rows) -> None:
    asked = Setting(RunSpec(method="rag-ft", models={}, output_dir="", seed=3), make_tokenizer(), 256, 1)
    config = rag_ft.Config(max_length=128, distractors=0)
    (one,), (again,) = (rag_ft.render(config, asked, rows, rows[0], 0, keep=True) for _ in range(2))
    assert one.ids.tolist() == again.ids.tolist()
    text = make_tokenizer().decode(one.ids, skip_special_tokens=True)
    assert text in {"[1] right 0\n[2] wrong 0\nq0a0", "[1] wrong 0\n[2] right 0\nq0a0"}
    assert make_tokenizer().decode(one.ids[one.mask]) == "a0<|end|>"
    with pytest.raises(DataFault, match="Row 5"):
        rag_ft.render(config, asked, rows, Record(prompt="q"), 4)


def test_without_passages_it_is_instruction_fine_tuning(tmp_path: Path, small: Path) -> None:
    table = dataset(tmp_path / "bare", [{"prompt": row["prompt"], "completion": row["completion"]} for row in TABLE])
    one = given(tmp_path, small, "rag-ft", distractors=0, max_steps=2).model_copy(update={"datasets": {"train": table}})
    plain = one.model_copy(update={"method": "sft-instruct", "output_dir": str(tmp_path / "plain"), "config": {
        name: value for name, value in one.config.items() if name not in {"documents_columns", "distractors"}}})
    found = train(one)
    assert list(curve(found).values()) == pytest.approx(list(curve(train(plain)).values()), rel=1e-5)
    assert set(curve(found, "documents").values()) == {0.0}
