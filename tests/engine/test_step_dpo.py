"""Step-DPO: which steps make a pair, which of their tokens are trained, and that it is DPO where answers differ in their last."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, spec, sum_pairs, train
from workers.contract.records import Message, Record, RecordKind
from workers.engine.data.next_steps import NextSteps, of_answers, of_labels, render_steps
from workers.engine.data.pairs import EMPTY, LeftOut
from workers.engine.data.steps import answer_places
from workers.engine.faults import DataFault
from workers.engine.methods import step_dpo
from workers.engine.methods.step_dpo import RIGHT, UNCORRECTED, Config
from workers.engine.modeling.tiny_model import make_tokenizer

CHATML = ("{%- for m in messages -%}{{ '<|' + m.role + '|>' + m.content | trim + eos_token + '\n' }}{%- endfor -%}"
          "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}")


@pytest.mark.parametrize(("chosen", "rejected", "found"), [
    ("46", "47", NextSteps("", ("46", "47"), (True, True))),
    ("6+4=10\n1+2=3\n30", "6+4=10\n1+2=4\n40", NextSteps("6+4=10\n", ("1+2=3\n", "1+2=4\n"), (False, False))),
    ("a\nb", "a\nc\nd", NextSteps("a\n", ("b", "c\n"), (True, False))),
    ("a\n\nb", "a\n\nc", NextSteps("a\n", ("\nb", "\nc"), (True, True))),
    ("a\nb", "a\n", NextSteps("a\n", ("b", ""), (True, True)))])
def test_the_first_steps_that_differ_are_the_pair(chosen: str, rejected: str, found: NextSteps) -> None:
    assert of_answers(chosen, rejected, "", "\n") == found
    behind = of_answers(chosen, rejected, "so far: ", "\n")
    assert (behind.before, behind.steps) == ("so far: " + found.before, found.steps)


def test_the_first_wrong_step_is_rejected_for_its_correction() -> None:
    record = Record(prompt="p", completions=["r ", "s", "t", "u"], labels=[0.9, 0.4, 0.8, 0.1])
    assert of_labels(record, 0, "chances", "S", "; ") == NextSteps("r; ", ("S; ", "s; "), (False, False))
    marked = record.model_copy(update={"labels": [1, 0, 1, -1]})
    assert of_labels(marked, 0, "marks", "U", "\n") == NextSteps("r\ns\nt\n", ("U", "u"), (True, True))
    assert of_labels(record.model_copy(update={"labels": [True] * 4}), 0, "chances", "S", "\n") is None


@pytest.mark.parametrize("template", [None, CHATML, ""], ids=["markers", "trimming", "none"])
def test_only_the_steps_are_trained_behind_one_shared_beginning(template: str | None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template if template is None else template or None
    pair = NextSteps("6+4=10\n", ("1+2=3\n", "30"), (False, True))
    for end, last in ((True, "30<|end|>"), (False, "30")):
        sides = render_steps(tokenizer, Record(prompt="16+24="), pair, end_of_text=end)
        texts = [tokenizer.decode([token for token, kept in zip(side.ids, side.trained, strict=True) if kept]) for side in sides]
        assert texts == ["1+2=3" if template == CHATML else "1+2=3\n", last]
        length = sides[0].prompt_length
        assert sides[0].ids[:length] == sides[1].ids[:length]
        assert str(tokenizer.decode(sides[0].ids[:length])).endswith("6+4=10\n")


def test_places_in_a_trimmed_answer_are_counted_from_its_first_character() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = CHATML
    side, _ = render_steps(tokenizer, Record(prompt="p"), NextSteps("  ab", ("cd", "ce"), (True, True)), end_of_text=True)
    assert tokenizer.decode(side.ids[side.prompt_length:]) == "cd<|end|>"
    assert answer_places(tokenizer, side, "cd", [1, 2, 9]) == [len(side.ids) - 3, len(side.ids) - 2, len(side.ids) - 2]


def test_rows_that_give_no_pair_are_left_out_by_reason_and_wrong_ones_are_refused() -> None:
    class Held:
        tokenizer = make_tokenizer()

    def samples(record: Record, **config: Any) -> tuple[int, list[str]]:
        left_out = LeftOut()
        found = step_dpo.read(Config(max_length=64, **config), Held(), record, 0, left_out)  # type: ignore[arg-type]
        return len(found), list(left_out.rows)

    steps = Record(prompt="p", completions=["r", "s"], labels=[True, False], extra={"right": "S"})
    assert samples(steps, correction_column="right") == (2, [])
    assert samples(steps) == (0, [UNCORRECTED])
    assert samples(steps.model_copy(update={"labels": [True, True]})) == (0, [RIGHT])
    pair = Record(prompt="p", chosen=[Message(role="assistant", content="a\nb")], rejected="a\n", extra={"so_far": "x\n"})
    assert samples(pair, before_column="so_far") == (2, [])
    assert samples(pair, end_of_text=False) == (0, [EMPTY])
    with pytest.raises(DataFault, match="no text in the column there"):
        samples(pair, before_column="there")
    with pytest.raises(DataFault, match="answer of 2 turns"):
        samples(pair.model_copy(update={"chosen": [Message(role="assistant", content=text) for text in "ab"]}))


def test_it_is_dpo_where_answers_differ_in_their_last_step_alone(tmp_path: Path, small: Path) -> None:
    """What both sides share cancels in the difference of their log-ratios, so that it need not be trained."""
    shared = [row | {side: "units\ntens\n" + row[side] for side in ("chosen", "rejected")} for row in sum_pairs(8)]
    data = dataset(tmp_path / "data", shared, kind=RecordKind.PREFERENCE)
    steps, whole = (train(spec(tmp_path / method, model=small, data=data, method=method, learning_rate=1e-2, max_steps=3))
                    for method in ("step-dpo", "dpo"))
    for name in ("loss", "grad_norm", "rewards/margins"):
        assert list(curve(steps, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=2e-3, abs=1e-5), name
    assert curve(steps, "logps/chosen")[1] > curve(whole, "logps/chosen")[1] + 10
    assert curve(steps, "num_tokens")[1] < curve(whole, "num_tokens")[1]
