"""Every foreign shape is recognised by its rows alone and becomes the canonical record."""

from typing import Any

import pytest

from runs.datasets.shapes import SHAPES, candidates, read_row
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

ASK = {"role": "user", "content": "2+2?"}
TELL = {"role": "assistant", "content": "4"}
LIE = {"role": "assistant", "content": "5"}
HUMAN = {"from": "human", "value": "2+2?"}
GPT = {"from": "gpt", "value": "4"}

# name → (row, shape, kind, the canonical fields the record must have)
CASES: dict[str, tuple[dict[str, Any], str, str, dict[str, Any]]] = {
    "text": ({"text": "Once."}, "trl", "text", {"text": "Once."}),
    "prompt and completion": (
        {"prompt": "2+2?", "completion": "4"}, "trl", "demonstration", {"prompt": "2+2?", "completion": "4"},
    ),
    "conversational completion": (
        {"prompt": [ASK], "completion": [TELL]}, "trl", "demonstration", {"prompt": [ASK], "completion": [TELL]},
    ),
    "messages": ({"messages": [ASK, TELL]}, "trl", "conversation", {"messages": [ASK, TELL]}),
    "prompt": ({"prompt": "2+2?", "topic": "sums"}, "trl", "prompt", {"prompt": "2+2?", "extra": {"topic": "sums"}}),
    "prompt and ground truth": (
        {"prompt": [ASK], "ground_truth": 4}, "trl", "prompt_answer", {"prompt": [ASK], "answer": "4"},
    ),
    "preference": (
        {"prompt": "2+2?", "chosen": "4", "rejected": "5", "margin": 2}, "trl", "preference",
        {"prompt": "2+2?", "chosen": "4", "rejected": "5", "margin": 2.0},
    ),
    "implicit prompt in messages": (
        {"chosen": [ASK, TELL], "rejected": [ASK, LIE]}, "trl", "preference",
        {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE]},
    ),
    "implicit prompt in text": (
        {"chosen": "The sky is blue", "rejected": "The sky is black"}, "trl", "preference",
        {"prompt": "The sky is ", "chosen": "blue", "rejected": "black"},
    ),
    "text prompt with message answers": (
        {"prompt": "2+2?", "chosen": [TELL], "rejected": [LIE]}, "trl", "preference",
        {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE]},
    ),
    "unpaired": (
        {"prompt": "2+2?", "completion": "5", "label": False}, "trl", "unpaired",
        {"prompt": "2+2?", "completion": "5", "label": False},
    ),
    "stepwise": (
        {"prompt": "2+2?", "completions": ["2+2", "5"], "labels": [True, False]}, "trl", "stepwise",
        {"completions": ["2+2", "5"], "labels": [True, False]},
    ),
    "ranking by scores": (
        {"prompt": "2+2?", "responses": ["5", "4", "four"], "scores": [0, 9, 9]}, "ranking", "ranking",
        {"completions": ["5", "4", "four"], "ranks": [2.0, 1.0, 1.0]},
    ),
    "alpaca": (
        {"instruction": "Add.", "input": "2 and 2", "output": "4"}, "alpaca", "demonstration",
        {"prompt": "Add.\n\n2 and 2", "completion": "4"},
    ),
    "alpaca with history": (
        {"instruction": "And 3?", "input": "", "output": "5", "system": "Add.", "history": [["2+2?", "4"]]},
        "alpaca", "demonstration",
        {
            "prompt": [{"role": "system", "content": "Add."}, ASK, TELL, {"role": "user", "content": "And 3?"}],
            "completion": [{"role": "assistant", "content": "5"}],
        },
    ),
    "alpaca marked good or bad": (
        {"instruction": "2+2?", "input": "", "output": "4", "kto_tag": True}, "alpaca", "unpaired", {"label": True},
    ),
    "sharegpt": (
        {"conversations": [HUMAN, GPT], "system": "Add."}, "sharegpt", "conversation",
        {"messages": [{"role": "system", "content": "Add."}, ASK, TELL]},
    ),
    "sharegpt calling a tool": (
        {"conversations": [
            HUMAN, {"from": "function_call", "value": '{"name": "add"}'}, {"from": "observation", "value": "4"}, GPT,
        ]},
        "sharegpt", "conversation",
        {"messages": [
            ASK,
            {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "add"}}]},
            {"role": "tool", "content": "4"},
            TELL,
        ]},
    ),
    "sharegpt pairs": (
        {"conversations": [HUMAN], "chosen": GPT, "rejected": {"from": "gpt", "value": "5"}}, "sharegpt", "preference",
        {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE]},
    ),
    "openai chat with a weight": (
        {"messages": [ASK, LIE | {"weight": 0}, ASK, TELL | {"weight": 1}]}, "openai_chat", "conversation",
        {"messages": [ASK, LIE | {"weight": 0.0}, ASK, TELL | {"weight": 1.0}]},
    ),
    "openai chat with parts and tools": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "2+2?"}]}, TELL], "tools": [{"type": "function"}]},
        "openai_chat", "conversation", {"messages": [ASK, TELL], "tools": [{"type": "function"}]},
    ),
    "openai preference": (
        {"input": {"messages": [ASK]}, "preferred_output": [TELL], "non_preferred_output": [LIE]},
        "openai_preference", "preference", {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE]},
    ),
    "openai reinforcement": (
        {"messages": [ASK], "reference_answer": "4", "level": 1}, "openai_rft", "prompt_answer",
        {"prompt": [ASK], "answer": "4", "extra": {"level": 1}},
    ),
    "hh-rlhf": (
        {"chosen": "\n\nHuman: 2+2?\n\nAssistant: 4", "rejected": "\n\nHuman: 2+2?\n\nAssistant: 5"},
        "hh_rlhf", "preference", {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE]},
    ),
    "ultrafeedback pairs": (
        {"prompt": "2+2?", "chosen": [ASK, TELL], "rejected": [ASK, LIE], "score_chosen": 9.0, "score_rejected": 6.5},
        "ultrafeedback", "preference", {"prompt": [ASK], "chosen": [TELL], "rejected": [LIE], "margin": 2.5},
    ),
    "ultrafeedback completions": (
        {"instruction": "2+2?", "completions": [{"response": "5", "overall_score": 1}, {"response": "4", "overall_score": 9}]},
        "ultrafeedback", "ranking", {"completions": ["5", "4"], "ranks": [2.0, 1.0]},
    ),
    "verl": (
        {
            "data_source": "sums", "prompt": [ASK], "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": "4"}, "extra_info": {"split": "train"},
        },
        "verl", "prompt_answer", {"prompt": [ASK], "answer": "4"},
    ),
    "verifiers": (
        {"question": "2+2?", "answer": "4", "info": {"level": 1}, "task": "sums"}, "verifiers", "prompt_answer",
        {"prompt": "2+2?", "answer": "4", "extra": {"info": {"level": 1}, "task": "sums"}},
    ),
    "gsm8k": (
        {"question": "2+2?", "answer": "It is <<2+2=4>>4.\n#### 1,004"}, "gsm8k", "prompt_answer",
        {"prompt": "2+2?", "answer": "1004", "extra": {"solution": "It is <<2+2=4>>4.\n#### 1,004"}},
    ),
    "processbench": (
        {"problem": "2+2?", "steps": ["2+2", "5"], "label": 1}, "stepwise", "stepwise", {"labels": [True, False]},
    ),
    "math-shepherd": (
        {"input": "2+2? Step 1: 2+2 ки\nStep 2: 5 ки", "label": "2+2? Step 1: 2+2 +\nStep 2: 5 -", "task": "sums"},
        "stepwise", "stepwise",
        {"prompt": "2+2?", "completions": ["Step 1: 2+2", "Step 2: 5"], "labels": [True, False]},
    ),
    "customary names": (
        {"Question": "2+2?", "Response": "4"}, "columns", "demonstration", {"prompt": "2+2?", "completion": "4"},
    ),
}  # fmt: skip


def plain(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("name", CASES)
def test_a_shape_is_recognised_and_read(name: str) -> None:
    row, shape, kind, expected = CASES[name]
    best = candidates(Sample([row, row]))[0]
    assert (best.shape, best.kind) == (shape, kind)
    [record] = read_row(row, best).records
    assert {field: plain(record).get(field) for field in expected} == expected


def test_every_shape_has_a_case() -> None:
    assert {shape for _, shape, _, _ in CASES.values()} | {"labelled_candidates"} == set(SHAPES)


CANDIDATES = {
    "question": "2+2?",
    "ground_truth": "A: 4",
    "small": {"is_correct": False, "solution": "5"},
    "large": {"is_correct": True, "solution": "4"},
    "third": {"is_correct": False, "solution": "6"},
}


def test_judged_answers_become_one_labelled_record_each() -> None:
    mapping = candidates(Sample([CANDIDATES]))[0]
    assert (mapping.shape, mapping.kind) == ("labelled_candidates", "unpaired")
    records = read_row(CANDIDATES, mapping).records
    assert [(record.prompt, record.completion, record.label) for record in records] == [
        ("2+2?", "5", False), ("2+2?", "4", True), ("2+2?", "6", False),
    ]  # fmt: skip
    assert records[0].extra == {"ground_truth": "A: 4"}


def test_judged_answers_become_pairs_of_right_and_wrong() -> None:
    mapping = next(found for found in candidates(Sample([CANDIDATES])) if found.kind == "preference")
    [record] = read_row(CANDIDATES, mapping).records
    assert (record.chosen, record.rejected) == ("4", "5")


def test_right_answers_become_demonstrations() -> None:
    mapping = next(found for found in candidates(Sample([CANDIDATES])) if found.kind == "demonstration")
    [record] = read_row(CANDIDATES, mapping).records
    assert (record.prompt, record.completion, record.label) == ("2+2?", "4", None)


def test_a_row_without_a_right_answer_shows_nothing_and_says_so() -> None:
    mapping = next(found for found in candidates(Sample([CANDIDATES])) if found.kind == "demonstration")
    reading = read_row(CANDIDATES | {"large": {"is_correct": False, "solution": "7"}}, mapping)
    assert (reading.records, [code for code, _ in reading.warnings]) == ([], ["none_right"])


def test_the_chosen_dialogues_become_demonstrations_with_the_pairs_prompts() -> None:
    row = CASES["hh-rlhf"][0]
    both = {kind: mapping for mapping in candidates(Sample([row])) if (kind := mapping.kind) and mapping.shape == "hh_rlhf"}
    [pair], [shown] = (read_row(row, both[kind]).records for kind in (RecordKind.PREFERENCE, RecordKind.DEMONSTRATION))
    assert (shown.prompt, shown.completion) == (pair.prompt, pair.chosen)
    assert (shown.chosen, shown.rejected) == (None, None)


def test_a_row_whose_answers_all_agree_makes_no_pair_and_says_so() -> None:
    mapping = next(found for found in candidates(Sample([CANDIDATES])) if found.kind == "preference")
    reading = read_row(CANDIDATES | {"large": {"is_correct": False, "solution": "7"}}, mapping)
    assert (reading.records, reading.faults) == ([], [])
    assert [code for code, _ in reading.warnings] == ["no_pair"]


def test_gsm8k_can_be_read_as_worked_solutions_without_the_calculator() -> None:
    row = CASES["gsm8k"][0]
    mapping = next(found for found in candidates(Sample([row])) if found.kind == "demonstration")
    dropped = mapping.model_copy(update={"options": {"drop_calculator": True}})
    assert read_row(row, mapping).records[0].completion == "It is <<2+2=4>>4.\n#### 1,004"
    assert read_row(row, dropped).records[0].completion == "It is 4.\n#### 1,004"


def test_dialogues_that_part_early_keep_both_ends_whole() -> None:
    row = {
        "chosen": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: 2+2?\n\nAssistant: 4",
        "rejected": "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: 2+2?\n\nAssistant: 4",
    }
    [record] = read_row(row, candidates(Sample([row]))[0]).records
    assert plain(record)["prompt"] == [{"role": "user", "content": "Hi"}]
    assert [turn["content"] for turn in plain(record)["rejected"]] == ["Yes?", "2+2?", "4"]


def test_equal_answers_are_kept_with_a_warning() -> None:
    row = {"prompt": "2+2?", "chosen": "4", "rejected": "4"}
    reading = read_row(row, candidates(Sample([row]))[0])
    assert len(reading.records) == 1
    assert [code for code, _ in reading.warnings] == ["identical_pair"]


BY_HAND = {"prompt": "q", "completion": "a", "label": "l", "completions": "list", "ranks": "ranks", "messages": "talk"}


@pytest.mark.parametrize(
    ("kind", "row", "field", "word"),
    [
        ("demonstration", {"q": "2+2?"}, "a", "missing"),
        ("demonstration", {"q": "2+2?", "a": None}, "a", "null"),
        ("demonstration", {"q": "2+2?", "a": True}, "a", "true or false"),
        ("unpaired", {"q": "2+2?", "a": "4", "l": "perhaps"}, "l", "perhaps"),
        ("ranking", {"q": "2+2?", "list": ["4", "5"], "ranks": [1]}, "ranks", "one number"),
        ("ranking", {"q": "2+2?", "list": [], "ranks": []}, "list", "empty list"),
        ("conversation", {"talk": [{"role": "wizard", "content": "Hm"}]}, "talk", "wizard"),
        ("conversation", {"talk": [{"role": "user", "content": [{"type": "image_url"}]}]}, "talk", "image_url"),
        ("conversation", {"talk": [{"role": "assistant", "content": "x", "weight": -1}]}, "talk", "weight"),
        ("conversation", {"talk": "Hello"}, "talk", "JSON"),
    ],
)
def test_what_a_row_lacks_is_named_by_column(kind: str, row: dict[str, Any], field: str, word: str) -> None:
    mapping = Mapping.model_validate({"kind": kind, "shape": "columns", "columns": BY_HAND})
    reading = read_row(row, mapping)
    assert reading.records == []
    assert reading.faults[0].field == field
    assert word in reading.faults[0].message


def test_rows_of_no_known_shape_have_no_candidate() -> None:
    assert candidates(Sample([{"alpha": 1, "beta": [2]}])) == []
