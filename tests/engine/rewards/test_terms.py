"""Reward terms on answers as people, models and accidents write them."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workers.engine.rewards import card, kinds, params_of, preparation_of, reward_of

GOLD = "She has 12 * 6 = <<12*6=72>>72 clips.\n#### 72"


def score(kind: str, text: str, gold: str | None = None, ids: int = 0, **params: Any) -> float | None:
    return reward_of(kind)(params_of(kind).model_validate(params), prompts=["?"], completions=[text],
                           completion_ids=[[0] * ids], answer=[gold])[0]


@pytest.mark.parametrize(
    ("text", "gold", "value"),
    [
        ("#### 72", GOLD, 1), ("The answer is 72.", GOLD, 1), ("so \\boxed{72} of 100", GOLD, 1), ("73", GOLD, 0),
        ("#### 72\nand 5 more", GOLD, 1), ("72 #### 73", GOLD, 0), ("", GOLD, 0), ("none", GOLD, 0), ("####", GOLD, 0),
        ("1,234", "#### 1234", 1), ("1234.0", "1,234", 1), ("$1,234.50", "1234.5", 1), ("12,34", "34", 1),
        ("-5", "-5", 1), ("−5", "-5", 1), ("10-3", "3", 1), ("(-3)", "-3", 1), ("-$5", "-5", 1), ("$-5", "-5", 1), ("+5", "5", 1),
        ("x = -7 apples", "-7", 1), ("50%", "50", 1), (".5", "0.5", 1), ("0.50", "1/2", 1), ("3/4", "0.75", 1), ("1/0", "1", 0),
        ("18 dollars", "18", 1), ("1e3", "1000", 1), ("1e999", "1000", 0), ("3.", "3", 1), ("007", "7", 1),
        ("72", "no number here", None), ("72", None, None), ("٧٢", "72", 0), ("#### 0.333333", "1/3", 1),
    ],
)
def test_numeric_match_reads_numbers_however_they_are_written(text: str, gold: str | None, value: float | None) -> None:
    assert score("numeric_match", text, gold) == value


def test_numeric_match_has_a_tolerance_a_percent_rule_and_a_partial_reward() -> None:
    assert score("numeric_match", "3.14", "3.1416") == 0
    assert score("numeric_match", "3.14", "3.1416", tolerance=0.001) == 1
    assert score("numeric_match", "50%", "0.5", percent="fraction") == 1
    assert score("numeric_match", "the answer is 72", GOLD, marker_only=True) == 0
    assert (score("numeric_match", "5", "6", partial=0.1), score("numeric_match", "no", "6", partial=0.1)) == (0.1, 0)


@pytest.mark.parametrize(
    ("text", "gold", "params", "value"),
    [
        ("42", "42", {}, 1), (" 42\n", "42", {}, 1), (" 42", "42", {"ignore_spaces": False}, 0), ("Yes", "yes", {}, 0),
        ("Yes", "yes", {"ignore_case": True}, 1), ("so #### 42", "42", {"after": "####"}, 1), ("42", "42", {"after": "####"}, 0),
        ("#### 72", GOLD, {"after": "####"}, 1), ("42\nmore", "42", {"first_line": True}, 1),
        ("42", None, {}, None), ("", "", {}, 1),
    ],
)
def test_exact_match_tidies_both_sides_as_asked(text: str, gold: str | None, params: dict[str, Any], value: float) -> None:
    assert score("exact_match", text, gold, **params) == value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "gold", "value"),
    [("$\\frac{1}{2}$", "0.5", 1), ("\\boxed{72}", "#### 72", 1), ("$x+1$", "$1+x$", 1), ("$3$", "$4$", 0), ("words", "$4$", 0),
     ("$4$", "", None), ("$4$", None, None)],
)
def test_math_verify_knows_equal_expressions(text: str, gold: str | None, value: float | None) -> None:
    assert score("math_verify", text, gold) == value


def test_a_pattern_may_compare_its_answer_group_with_the_reference() -> None:
    assert score("regex_match", "A: 7", "7", pattern=r"A: (?P<answer>\d+)") == 1
    assert score("regex_match", "A: 8", "7", pattern=r"A: (?P<answer>\d+)") == 0
    assert score("regex_match", "A: 8", None, pattern=r"A: (?P<answer>\d+)") is None
    assert score("regex_match", "a7b", pattern=r"\d", reward=0.5) == 0.5
    assert score("regex_match", "a7b", pattern=r"\d", whole=True) == 0


def test_a_catastrophic_pattern_is_stopped_and_counts_as_no_match() -> None:
    assert score("regex_match", "a" * 60 + "!", pattern=r"(a|a?)+", whole=True, timeout_seconds=0.1) == 0


def test_a_pattern_that_cannot_be_read_is_refused_with_its_fault() -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        params_of("regex_match").model_validate({"pattern": "("})


@pytest.mark.parametrize(("pattern", "says"), [
    ("a{1000000000}", "repeats too much"), ("(?:(?:a|bb|c){1000}){1000}", "repeats too much"),
    ("(?<=a{9999999})", "repeats too much"), ("(?x)a{1 0 0 0 0 0 0 0}", "repeats too much"),
    ("(?x)a{10000 # one\n 00000}", "repeats too much"), ("a{" + "9" * 1900 + "}", "repeats too much"),
    ("(" * 900 + "a" + ")" * 900, "nested too deeply"),
])
def test_a_pattern_that_would_take_the_workers_memory_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        params_of("regex_match").model_validate({"pattern": pattern})


@pytest.mark.parametrize("pattern", [
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "a{0,1000000000}", "x{2000}", "(?:yes){e<=3}"])
def test_a_pattern_that_people_write_is_taken(pattern: str) -> None:
    assert params_of("regex_match").model_validate({"pattern": pattern}).model_dump()["pattern"] == pattern


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("think", "<think>hm</think>7", "x<think>hm</think>7"), ("think", "<think></think>", "<think><think></think>"),
        ("think_answer", "<think>a</think>\n<answer>7</answer>", "<think>a</think> so <answer>7</answer>"),
        ("boxed", "\\boxed{\\frac{1}{2}}", "\\boxed{1"), ("marker", "so\n#### 7", "#### none"), ("json", '{"a": 1}', "[1]"),
        ("json", "{}", "[" * 100_000),
    ],
)
def test_format_looks_at_the_shape_only(shape: str, good: str, bad: str) -> None:
    assert score("format", good, shape=shape) == 1
    assert score("format", bad, shape=shape) == 0


def test_a_think_tag_that_the_prompt_opened_counts() -> None:
    assert score("format", "hm</think>7", shape="think", opened=True) == 1


@pytest.mark.parametrize(
    ("mode", "lengths", "values"),
    [("soft_overlong", [80, 90, 100, 101], [0, -0.5, -1, -1]), ("target", [0, 50, 100, 200, 300], [0, 0.5, 1, 0, 0]),
     ("penalty", [0, 50, 300], [0, -0.5, -1])],
)
def test_length_gives_the_catalogues_values(mode: str, lengths: list[int], values: list[float]) -> None:
    assert [score("length", "", ids=n, mode=mode, limit=100, cache=20) for n in lengths] == pytest.approx(values)


def test_a_cache_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not be longer"):
        params_of("length").model_validate({"limit": 10, "cache": 20})


DEFAULTS: dict[str, dict[str, Any]] = {"regex_match": {"pattern": r"(\w+\s?)+#"}}
TEXTS = st.text(max_size=200) | st.text(alphabet="0123456789.,-−+#$%/eE{}\\\\boxed <>thinkanswer()", max_size=200)


OF_ANY_ROW = [kind for kind in kinds() if kind not in ("math_verify", "world") and preparation_of(kind) is None]


@pytest.mark.parametrize("kind", OF_ANY_ROW)
@settings(max_examples=200, deadline=5000)
@given(text=TEXTS, gold=st.none() | TEXTS)
def test_no_text_breaks_a_term(kind: str, text: str, gold: str | None) -> None:
    value = score(kind, text, gold, ids=len(text), **DEFAULTS.get(kind, {}))
    assert value is None or -1 <= value <= 1


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(text=TEXTS, gold=TEXTS)
def test_no_text_breaks_math_verify(text: str, gold: str) -> None:
    assert score("math_verify", text, gold) in (None, 0.0, 1.0)


@given(st.integers(-10**12, 10**12))
def test_numeric_match_knows_every_integer_in_every_dress(number: int) -> None:
    for dressed in (f"{number}", f"{number:,}", f"#### {number:,}", f"It is {number}.00 in all.", f"\\boxed{{{number}}}"):
        assert score("numeric_match", dressed, str(number)) == 1


@pytest.mark.parametrize("size", [1000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_long_texts_are_read_in_no_time(size: int) -> None:
    """By the processor's count, which other work on the machine does not change."""
    begun = time.process_time()
    for text in ("9" * size, "1," * size, "\\boxed{" * size, "- " * size, "9" * size + "/" + "9" * size, "1 / " * size):
        score("numeric_match", text, "5")
    assert time.process_time() - begun < 10


def test_every_term_has_a_card_with_a_schema_and_refuses_unknown_settings() -> None:
    for kind in kinds():
        assert card(kind).params_schema["additionalProperties"] is False
        assert card(kind).title
