"""Preference rows become two samples of one group, chosen first; what cannot teach is left out and told."""

from typing import Any

import pytest
import torch

from workers.contract.records import Record
from workers.engine.data.pairs import EMPTY, EQUAL, FULL, LONG, LeftOut, render_pair, sides
from workers.engine.faults import DataFault
from workers.engine.modeling.tiny_model import make_tokenizer
from workers.engine.sample import Sample

TOKENIZER = make_tokenizer()
PLAIN = make_tokenizer()
PLAIN.chat_template = None


def pair(record: dict[str, Any], *, max_length: int = 64, mode: str = "keep_start", left_out: LeftOut | None = None,
         tokenizer: Any = TOKENIZER) -> list[Sample]:
    return render_pair(tokenizer, Record.model_validate(record), 6, max_length=max_length, mode=mode,  # type: ignore[arg-type]
                       left_out=left_out or LeftOut())


def trained_text(sample: Sample, tokenizer: Any = TOKENIZER) -> str:
    return str(tokenizer.decode(sample.ids[sample.mask]))


@pytest.mark.parametrize("tokenizer", [TOKENIZER, PLAIN], ids=["template", "plain"])
def test_a_standard_pair_is_two_samples_of_one_group_behind_one_prompt(tokenizer: Any) -> None:
    chosen, rejected = pair({"prompt": "2+2=", "chosen": "4", "rejected": "55", "margin": 1.5}, tokenizer=tokenizer)
    assert [trained_text(side, tokenizer) for side in (chosen, rejected)] == ["4<|end|>", "55<|end|>"]
    assert chosen.group == rejected.group == chosen.row == 6
    assert chosen.prompt_length == rejected.prompt_length > 0
    assert torch.equal(chosen.ids[: chosen.prompt_length], rejected.ids[: chosen.prompt_length])
    assert chosen.scalars == {"margin": 1.5, "label": 1.0}
    assert rejected.scalars == {"margin": 1.5, "label": 0.0}


def test_a_conversational_pair_trains_its_last_turns_alone() -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "2+2"}]
    found = pair({"prompt": said, "chosen": [{"role": "assistant", "content": "4"}],
                  "rejected": [{"role": "assistant", "content": "5"}]})
    assert [trained_text(side) for side in found] == ["4<|end|>", "5<|end|>"]


def test_a_row_without_margin_has_margin_zero() -> None:
    assert pair({"prompt": "a", "chosen": "b", "rejected": "c"})[0].scalars["margin"] == 0.0


@pytest.mark.parametrize(("row", "reason"), [
    ({"prompt": "a", "chosen": "same", "rejected": "same"}, EQUAL),
    ({"prompt": "a", "chosen": " \n", "rejected": "x"}, EMPTY),
    ({"prompt": "a", "chosen": "x", "rejected": ""}, EMPTY),
    ({"prompt": "a" * 80, "chosen": "x", "rejected": "y"}, FULL),
    ({"prompt": "a", "chosen": "x" * 70 + "1", "rejected": "x" * 70 + "2"}, EQUAL),
])
def test_a_pair_that_teaches_nothing_is_left_out_with_its_reason(row: dict[str, Any], reason: str) -> None:
    left_out = LeftOut()
    assert pair(row, left_out=left_out) == []
    assert left_out.rows == {reason: {6}}


def test_a_pair_too_long_is_left_out_when_asked() -> None:
    left_out = LeftOut()
    assert pair({"prompt": "a", "chosen": "x" * 70, "rejected": "y"}, mode="drop", left_out=left_out) == []
    assert left_out.rows == {LONG: {6}}


def test_keep_start_cuts_the_ends_of_the_answers() -> None:
    chosen, rejected = pair({"prompt": "a", "chosen": "x" * 90, "rejected": "y"})
    assert len(chosen) == 64
    assert trained_text(rejected) == "y<|end|>"
    assert chosen.prompt_length == rejected.prompt_length


def test_keep_end_takes_the_same_off_the_beginning_of_both_prompts() -> None:
    chosen, rejected = pair({"prompt": "a" * 60, "chosen": "x" * 20, "rejected": "y"}, mode="keep_end")
    assert len(chosen) == 64
    assert trained_text(chosen) == "x" * 20 + "<|end|>"
    assert trained_text(rejected) == "y<|end|>"
    assert torch.equal(chosen.ids[: chosen.prompt_length], rejected.ids[: chosen.prompt_length])


def test_a_row_of_another_kind_is_named() -> None:
    with pytest.raises(DataFault, match="Row 7 is no preference"):
        pair({"prompt": "a", "completion": "b"})


def test_news_come_first_and_then_when_their_number_has_doubled() -> None:
    left_out = LeftOut()
    told = []
    for row in range(8):
        left_out.add(EQUAL if row else EMPTY, row)
        left_out.add(EQUAL if row else EMPTY, row)
        told.append(left_out.news())
    assert [index for index, news in enumerate(told) if news] == [0, 1, 3, 7]
    assert told[3] == "Left out so far: 3 whose two answers are equal, 1 with an empty answer."


def test_sides_are_every_other_value() -> None:
    chosen, rejected = sides(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert (chosen.tolist(), rejected.tolist()) == ([1.0, 3.0], [2.0, 4.0])
