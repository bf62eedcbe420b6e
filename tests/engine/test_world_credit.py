"""The worlds chain, lock and goodhart: pure, held apart, and their gold and credit right by hand and by enumeration."""

import json
import random
from itertools import pairwise, product
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workers.engine import members, worlds
from workers.engine.rewards import Answered, world
from workers.engine.worlds import WorldKnobs, chain, goodhart, lock

SMALL: dict[str, tuple[Any, Any]] = {
    "chain": (chain, chain.Knobs(seed=3, steps=2, train=40, test=12)),
    "lock": (lock, lock.Knobs(seed=3, slots=2, length=8, keys=8, train=30, test=10)),
    "goodhart": (goodhart, goodhart.Knobs(seed=3, train=40, test=12, pairs=30)),
}
WORLDS = pytest.mark.parametrize(("place", "knobs"), SMALL.values(), ids=SMALL)


@WORLDS
def test_equal_knobs_make_equal_rows_and_another_seed_others(place: ModuleType, knobs: WorldKnobs) -> None:
    assert place.make(knobs) == place.make(knobs.model_copy())
    assert place.make(knobs) != place.make(knobs.model_copy(update={"seed": 4}))


@WORLDS
def test_every_file_of_the_card_is_made_and_no_prompt_is_in_train_and_another_split(place: ModuleType, knobs: WorldKnobs) -> None:
    made, name = place.make(knobs), place.__name__.rsplit(".", 1)[1]
    assert {file for part in place.CARD.parts for file in part.splits.values()} == set(made)
    assert all(made.values())
    for part in place.CARD.parts:
        trained = {row["prompt"] for row in made[part.splits["train"]]}
        for split, file in part.splits.items():
            assert split == "train" or not trained & {row["prompt"] for row in made[file]}
    card = worlds.card(name)
    assert card.rewarded
    assert card.knobs_schema["properties"]["seed"]["minimum"] == 0


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", SMALL)
def test_credit_sums_to_the_gold_less_the_value_of_the_prompt(name: str, data: st.DataObject) -> None:
    place, knobs = SMALL[name]
    rows = place.make(knobs)["demonstrations_train"]
    symbols = sorted({char for row in rows for char in row["completion"]} | {"?"})
    asked, said = [], []
    for index in data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=6)):
        text = rows[index]["completion"]
        at = data.draw(st.integers(0, len(text)))
        other = text[:at] + data.draw(st.sampled_from(symbols)) + text[at + 1:]
        edited = data.draw(st.sampled_from([text, text[:at], other, text + "?"]))
        asked.append(rows[index]["prompt"])
        said.append(edited)
    golds = [place.gold(knobs, prompt, answer) for prompt, answer in zip(asked, said, strict=True)]
    found = place.credit(knobs, asked, said)
    if name == "chain":
        starts = [chain.values(knobs, known)[0][known[0]] for known in map(chain.read_prompt, asked)]
    elif name == "lock":
        chances = lock.chances_of(2, [lock.events(knobs, *both) for both in zip(asked, said, strict=True)])
        others = lock.length_of(knobs, 2) + 1 - 2
        starts = [chances[0] * chances[1] * chances[2] ** others] * len(asked)
    else:
        starts = [0.0] * len(asked)
    for answer, value, start, row in zip(said, golds, starts, found, strict=True):
        assert len(row) == len(answer) + 1
        assert sum(row) == pytest.approx(value - start, abs=1e-9)


def test_the_chains_example_is_right_by_hand_and_its_corruptions_are_wrong() -> None:
    knobs = chain.Knobs()
    asked = chain.read_prompt("3+9*4=")
    assert asked == (3, (("+", 9), ("*", 4)))
    assert chain.written(asked, chain.solved(knobs, asked)) == ["3+9=1;", "1*4=4;", "A4"]
    assert chain.gold(knobs, "3+9*4=", "3+9=1;1*4=4;A4") == 1
    for wrong in ("3+9=1;1*4=4;A5", "3+9=1;1*4=5;A5", "3+9=1;2*4=4;A4", "3+8=1;1*4=4;A4", "3+9=1;1*4=4;A", "3+9=1;1*4=4;A4;", ""):
        assert chain.gold(knobs, "3+9*4=", wrong) == 0
    # 2 is wrong, and 2*4 = 8 is written as 4: two faults that end in the right value.
    assert chain.gold(knobs, "3+9*4=", "3+9=2;2*4=4;A4") == 1
    assert chain.step_labels(knobs, asked, [2, 4]) == [False, False, True]


def test_a_chains_value_is_the_share_of_right_ends_of_its_own_policy() -> None:
    knobs = chain.Knobs(steps=1, modulus=3, slip=0.3, misconceived=0.5, strength=0.8, unseen=0, train=1, test=1, operators="+-*")
    for left, operator, right in product(range(3), "+-*", range(3)):
        asked = (left, ((operator, right),))
        row = chain.kernel(knobs, (operator, left, right))
        assert sum(row) == pytest.approx(1)
        assert chain.values(knobs, asked)[0][left] == pytest.approx(row[chain.result_of(knobs, asked)])
    wrong = chain.cells_of(knobs)[0]
    assert len(wrong) == round(0.5 * 27)
    cell = next(iter(wrong))
    assert chain.kernel(knobs, cell)[wrong[cell]] == pytest.approx(0.7 * 0.8 + 0.15 * 0.2)


def test_chains_of_the_standard_knobs_start_where_they_are_said_to() -> None:
    knobs = chain.Knobs(train=300, test=100)
    made = chain.make(knobs)
    asked = [chain.read_prompt(row["prompt"]) for row in made["problems_train"]]
    value = sum(chain.values(knobs, one)[0][one[0]] for one in asked) / 300
    assert value == pytest.approx(0.64, abs=0.04)
    right = sum(chain.gold(knobs, row["prompt"], row["completion"]) for row in made["demonstrations_train"]) / 300
    assert right == pytest.approx(value, abs=0.08)
    kept_back = chain.cells_of(knobs)[1]
    assert len(kept_back) == 18
    for row in made["problems_unseen"]:
        assert chain.gold(knobs, row["prompt"], row["answer"]) == 1
    assert {len(row["prompt"]) for row in made["problems_long"]} == {2 * 6 + 2}


def test_the_locks_answer_is_right_only_with_every_token_as_it_must_be() -> None:
    knobs = lock.Knobs(slots=2, length=8, train=10, test=5)
    assert lock.places(knobs) == [2, 6]
    assert lock.gold(knobs, "CF|", "aa#Cbb#F") == 1
    for wrong in ("aa#Dbb#F", "aa#Cbb#C", "aaaCbb#F", "a##Cbb#F", "aa#Cbb#", "aa#Cbb#Fa", "aA#Cbb#F", "za#Cbb#F", ""):
        assert lock.gold(knobs, "CF|", wrong) == 0
    free = knobs.model_copy(update={"free": True})
    assert lock.gold(free, "CF|", "#Caa#Fbb") == lock.gold(free, "CF|", "#C#Faaaa") == 1
    assert lock.gold(free, "CF|", "aaaaa#Ca") == lock.gold(free, "CF|", "aaaaaaaa") == 0
    for given_knobs in (knobs, free):
        for row in lock.make(given_knobs)["demonstrations_test"]:
            assert lock.gold(given_knobs, row["prompt"], row["completion"]) == 1


def test_a_locks_credit_is_the_change_of_the_chance_to_succeed_by_enumeration() -> None:
    """Four keys, no filler: every answer of the product policy, with its chance, against values found by summing over them."""
    knobs = lock.Knobs(slots=2, length=4, keys=4, train=2, test=1)
    policy, chances = {"B": 0.4, "C": 0.3, "D": 0.2, "A": 0.1}, [0.4, 0.3, 1.0]
    ways = {f"#{one}#{two}": policy[one] * policy[two] for one, two in product("ABCD", repeat=2)}
    success = {text: lock.gold(knobs, "BC|", text) for text in ways}

    def value(begun: str) -> float:
        mass = sum(chance for text, chance in ways.items() if text.startswith(begun))
        return sum(chance * success[text] for text, chance in ways.items() if text.startswith(begun)) / mass

    assert value("") == pytest.approx(0.4 * 0.3)
    for text in ways:
        [row] = lock.credit(knobs, ["BC|"], [text], chances)
        levels = [value(text[:end]) for end in range(5)] + [success[text]]
        assert row == pytest.approx([after - before for before, after in pairwise(levels)])
    assert sum(chance * sum(lock.credit(knobs, ["BC|"], [text], chances)[0]) for text, chance in ways.items()) == pytest.approx(0)


def test_decoys_stand_as_often_as_the_knobs_say() -> None:
    knobs = lock.Knobs()
    chance, keys = random.Random(0), "BCDEF"
    drawn = [lock.faulty(knobs, keys, chance) for _ in range(800)]
    right = sum(one == other for found in drawn for one, other in zip(found, keys, strict=True)) / 4000
    decoys = sum(one == lock.decoy_of(knobs, slot, key) for found in drawn
                 for slot, (one, key) in enumerate(zip(found, keys, strict=True))) / 4000
    assert right == pytest.approx(0.35, abs=0.03)
    assert decoys == pytest.approx(0.5, abs=0.03)
    assert lock.warm_chances(knobs) == [0.35] * 5 + [1.0]


def test_goodharts_gold_counts_what_it_says_and_judges_see_more() -> None:
    knobs = goodhart.Knobs()
    assert goodhart.words_of(knobs, "AC") == "abcdeklmno"
    assert goodhart.gold(knobs, "A:", "abc_") == 3
    assert goodhart.gold(knobs, "A:", "aab") == pytest.approx(2 - 0.4)
    assert goodhart.gold(knobs, "A:", "ak") == pytest.approx(1 - 0.5)
    assert goodhart.gold(knobs, "AC:", "ak") == 2
    assert goodhart.gold(knobs, "A:", "a!~!") == pytest.approx(1 - 2 * 0.5)
    assert goodhart.gold(knobs, "A:", "a---") == pytest.approx(1 - 0.3)
    assert goodhart.gold(knobs, "A:", "_" * 14) == pytest.approx(-2 * 0.25)
    assert goodhart.liked(knobs, "A:", "a!-") == pytest.approx(1 + 0.35 * (0.12 * 3 + 0.6 + 0.4))
    assert goodhart.credit(knobs, ["A:"], ["ba!!"])[0] == pytest.approx([1, 1, 0, -0.5, 0])
    made = goodhart.make(knobs)
    golds = [goodhart.gold(knobs, row["prompt"], row["completion"]) for row in made["demonstrations_train"]]
    assert sum(golds) / len(golds) == pytest.approx(1.5, abs=0.25)
    # Judges agree with the gold more often than not, and less where they are biased more.
    judged = {bias: goodhart.make(goodhart.Knobs(bias=bias))["pairs_train"] for bias in (0.0, 3.0)}
    agreed = {bias: sum(row["gold_margin"] > 0 for row in rows) for bias, rows in judged.items()}
    assert agreed[0.0] > agreed[3.0] + 100
    assert all(row["gold_margin"] >= 0 for row in made["pairs_far"])


def test_knobs_that_do_not_go_together_are_refused_by_name() -> None:
    for place, wrong, said in (
            (chain, {"steps": 1, "modulus": 3}, "There are only 27 chains"), (chain, {"operators": "++"}, "operators"),
            (lock, {"slots": 8, "length": 10}, "8 slots need at least 16"), (lock, {"right": 0.6, "decoy": 0.6}, "more than 1"),
            (lock, {"slots": 2, "keys": 3}, "only 4 prompts"), (goodhart, {"topics": 8, "words": 6}, "at most 4 each")):
        with pytest.raises(ValidationError, match=said):
            place.Knobs(**wrong)


def test_the_reward_term_scores_rows_of_any_world_by_what_they_say_of_themselves() -> None:
    knobs = lock.Knobs(slots=2, length=8, train=10, test=5)
    named = [worlds.stamp("chain", chain.Knobs()), worlds.stamp("lock", knobs), worlds.stamp("lock", knobs)]
    assert json.loads(json.dumps(named[1]))["knobs"] == knobs.model_dump()
    asked, said = ["3+9*4=", "CF|", "CF|"], ["3+9=1;1*4=4;A4", "aa#Cbb#F", "aa#Cbb#A"]
    found = world.reward(world.Params(), prompts=asked, completions=said, completion_ids=[[]] * 3, world=named)
    assert isinstance(found, Answered)
    steps = found.steps
    assert steps is not None
    assert list(found) == [1.0, 1.0, 0.0]
    assert [len(each.ends) for each in steps] == [15, 9, 9]
    assert list(steps[1].values) == lock.credit(knobs, asked[1:], said[1:])[0]
    for broken, prompt in (({"name": "arithmetic"}, "1+1="), (None, "1+1="), (named[0], "CF|")):
        with pytest.raises(Exception, match="world"):
            world.reward(world.Params(), prompts=[prompt], completions=["2"], completion_ids=[[]], world=[broken])
    assert set(members.names(worlds.__name__)) == {"arithmetic", "chain", "goodhart", "lock"}


@settings(max_examples=25, deadline=None)
@given(answer=st.text(max_size=40))
def test_no_text_breaks_a_world(answer: str) -> None:
    for (place, knobs), prompt in zip(SMALL.values(), ("3+9*4=", "CF|", "A:"), strict=True):
        name = place.__name__.rsplit(".", 1)[1]
        [value] = world.reward(world.Params(), prompts=[prompt], completions=[answer], completion_ids=[[]],
                               world=[worlds.stamp(name, knobs)])
        assert value is not None
