"""The arithmetic world: pure in its seed, its answers right, its test prompts held out."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.engine import worlds
from workers.engine.worlds.arithmetic import Knobs, make, without_carry


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
        "demonstrations": 20, "demonstrations_test": 5, "prompts_train": 50, "prompts_test": 5}
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
