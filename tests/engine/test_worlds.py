"""The arithmetic world: pure in its seed, its answers right, its test prompts held out."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.engine import worlds
from workers.engine.worlds.arithmetic import Knobs, make, without_carry, worked_out, wrong_digits


def test_equal_seeds_make_equal_worlds_and_others_differ() -> None:
    assert make(Knobs(seed=3)) == make(Knobs(seed=3))
    assert make(Knobs(seed=3)) != make(Knobs(seed=4))


def test_every_answer_is_the_sum_of_two_two_digit_numbers() -> None:
    for row in make(Knobs())["prompts_train"]:
        first, second = row["prompt"].removesuffix("=").split("+")
        assert len(first) == len(second) == 2
        assert int(row["answer"]) == int(first) + int(second)


def test_no_test_prompt_is_trained_on() -> None:
    world = make(Knobs(seed=1))
    trained = {row["prompt"] for name in ("demonstrations", "prompts_train") for row in world[name]}
    held_out = {row["prompt"] for name in ("demonstrations_test", "prompts_test") for row in world[name]}
    assert not trained & held_out
    assert len(held_out) == Knobs().test


def test_more_sums_than_there_are_are_refused() -> None:
    with pytest.raises(ValidationError, match="only 100 different sums"):
        Knobs(digits=1)


def test_files_hold_one_row_a_line(tmp_path: Path) -> None:
    written = worlds.write("arithmetic", tmp_path, train=50, test=5, demonstrations=20)
    rows = {path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in written}
    assert {name: len(found) for name, found in rows.items()} == {
        "demonstrations": 20, "demonstrations_test": 5, "prompts_train": 50, "prompts_test": 5,
        **{f"{name}_train": 50 for name in OTHERS}, **{f"{name}_test": 5 for name in OTHERS}}
    assert set(rows["demonstrations"][0]) == {"prompt", "completion"}


def test_a_forgotten_carry_leaves_each_column_its_own_digit() -> None:
    assert [without_carry(58, 67), without_carry(12, 34), without_carry(52, 53)] == [15, 46, 5]


def test_the_demonstrations_fault_is_as_frequent_as_asked_and_only_where_a_digit_carries() -> None:
    wrong, carries = 0, 0
    for row in make(Knobs(misconception=0.6))["demonstrations"]:
        first, second = (int(part) for part in row["prompt"].removesuffix("=").split("+"))
        assert int(row["completion"]) in (first + second, without_carry(first, second))
        carries += without_carry(first, second) != first + second
        wrong += int(row["completion"]) != first + second
    assert 0.55 < wrong / carries < 0.65
    assert 0.70 < carries / Knobs().demonstrations < 0.80


OTHERS = ("texts", "rationales", "conversations", "pairs", "marks", "rankings", "steps")


def test_the_other_kinds_ask_only_the_prompts_of_their_split() -> None:
    world = make(Knobs(train=300, test=40, demonstrations=300, others=60))
    held_out = {row["prompt"] for row in world["prompts_test"]}
    for name in OTHERS:
        train, test = (set(re.findall(r"\d+\+\d+=", json.dumps([row.get("prompt", row) for row in rows])))
                       for rows in (world[f"{name}_train"], world[f"{name}_test"]))
        assert train, name
        assert not train & held_out, name
        assert test <= held_out, name


def test_a_sum_is_worked_out_column_by_column() -> None:
    assert worked_out(58, 67) == ["8+7=15", "5+6+1=12", "125"]
    assert worked_out(58, 67, forgetful=True) == ["8+7=15", "5+6=11", "15"]
    assert worked_out(0, 0) == ["0+0=0", "0"]
    for row in make(Knobs(digits=3, train=200, test=10, demonstrations=200))["rationales_train"]:
        assert row["completion"] == f"{row['rationale']}\n{row['answer']}"
        assert row["answer"] == str(sum(int(part) for part in row["prompt"].removesuffix("=").split("+")))
        for line in row["rationale"].splitlines():
            parts, result = line.split("=")
            assert sum(int(part) for part in parts.split("+")) == int(result)


def test_judgments_are_what_the_right_sum_says() -> None:
    world = make(Knobs(train=300, test=10, demonstrations=300))
    right = {row["prompt"]: row["answer"] for row in world["prompts_train"]}
    for row in world["pairs_train"]:
        assert row["chosen"] == right[row["prompt"]]
        assert row["margin"] == wrong_digits(row["rejected"], row["chosen"]) > 0
        assert (row["chosen_safe"], row["rejected_safe"]) == (True, row["margin"] == 1)
    assert all(row["label"] == (row["completion"] == right[row["prompt"]]) for row in world["marks_train"])
    assert 0.35 < sum(row["label"] for row in world["marks_train"]) / 300 < 0.65
    for row in world["rankings_train"]:
        faults = [wrong_digits(answer, right[row["prompt"]]) for answer in row["completions"]]
        assert min(faults) == 0
        assert [(one > other) - (one < other) for one in faults for other in faults] == [
            (one > other) - (one < other) for one in row["ranks"] for other in row["ranks"]]
    assert {label for row in world["steps_train"] for label in row["labels"]} == {True, False}
    assert all(row["labels"][-1] == (row["completions"][-1] == right[row["prompt"]]) for row in world["steps_train"])
    for row in world["steps_train"]:
        wrong = row["labels"].index(False) if False in row["labels"] else None
        assert (row["correction"] is None) == (wrong is None)
        assert wrong is None or row["completions"][wrong] != row["correction"]
        assert wrong != len(row["labels"]) - 1 or row["correction"] == right[row["prompt"]]
    assert wrong_digits("15", "125") == 2
