"""Rationale and answer as one text, and found in it again; the tokens of the answer are those that decode to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.contract.records import Record
from workers.engine.data.worked_answers import MARKS, Style, parse, tail_tokens, worked_of, write
from workers.engine.modeling.tiny_model import make_tokenizer

WORDS = st.text("abc 12+=", min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(max_examples=25, deadline=None)
@given(rationale=WORDS, answer=WORDS, style=st.sampled_from(sorted(MARKS)))
def test_what_is_written_is_parsed_again(rationale: str, answer: str, style: Style) -> None:
    worked = write(rationale, answer, style)
    assert parse(worked.text, style) == worked
    assert worked.text[worked.at:].startswith(answer)


@pytest.mark.parametrize(("style", "text", "answer"), [
    ("think", "<think>\nsix and six\n</think>\n12", "12"), ("answer_is", "Six and six.\nThe answer is 12.", "12"),
    ("hash", "6+6=12\n#### 12", "12"), ("last_line", "6+6=12\n12", "12"), ("hash", "6+6=12", None), ("think", "", None),
    ("last_line", "12", None), ("answer_is", "It is 12.\nThe answer is .", None)])
def test_texts_as_models_write_them(style: Style, text: str, answer: str | None) -> None:
    worked = parse(text, style)
    assert (worked.answer if worked else None) == answer


def test_columns_come_before_the_text_and_the_first_that_is_there_counts() -> None:
    record = Record(prompt="6+6", answer="12", completion="x\ny", extra={"solution": "six twice", "rationale": " "})
    worked = worked_of(record, ["rationale", "solution"], "hash")
    assert worked is not None
    assert worked.text == "six twice\n#### 12"
    only = worked_of(record.model_copy(update={"extra": {}}), ["rationale"], "last_line")
    assert only is not None
    assert (only.rationale, only.answer) == ("x", "y")


def test_the_tail_is_counted_in_tokens_of_any_length() -> None:
    tokenizer = make_tokenizer()
    ids = tokenizer("sechs mal zwei\n#### zwölf")["input_ids"] + [tokenizer.eos_token_id]
    count = tail_tokens(tokenizer, ids, "zwölf")
    assert tokenizer.decode(ids[-count:], skip_special_tokens=True) == "zwölf"
    assert tail_tokens(tokenizer, ids, "much longer than all of the text that there is") == len(ids)
