"""A pattern of the user's own, searched in the answer, with a limit on time: a pattern may be slow without end."""

import math
import re
from functools import lru_cache
from typing import Any

import regex
from pydantic import Field, field_validator

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._references import by_reference

LARGEST_SIZE = 1_000_000
"""Nodes of a compiled pattern; each takes some 300 bytes, and there is no other limit on the library's memory."""


class Params(TermParams):
    pattern: str = Field(min_length=1, max_length=2000, title="Pattern", description=(
        "A regular expression. A group named `answer` must equal the reference answer as well."))
    whole: bool = Field(default=False, title="Whole answer", description="The pattern must cover the whole answer.")
    ignore_case: bool = Field(default=False, title="Ignore case", description="Take upper and lower case as equal.")
    reward: float = Field(default=1.0, title="Reward", description="Given on a match; 0 otherwise.")
    timeout_seconds: float = Field(default=0.1, gt=0, le=5, title="Time limit", description=(
        "A search that takes longer counts as no match."), json_schema_extra={"x-unit": "seconds"})

    @field_validator("pattern")
    @classmethod
    def readable(cls, pattern: str) -> str:
        if (size := largest_size(pattern)) > LARGEST_SIZE:
            raise ValueError("The pattern repeats too much: its least counts, multiplied with one another and its length, come "
                             f"to {size:.3g}; {LARGEST_SIZE} is the most. Ask for fewer repeats.")
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"The pattern cannot be read: {error}.") from error
        except (RecursionError, OverflowError, MemoryError) as error:
            raise ValueError("The pattern cannot be read: it is nested too deeply, or too large.") from error
        return pattern


CARD = Card("Pattern", "A reward when a regular expression is found in the answer.", (), "0 or the reward set")


def largest_size(pattern: str) -> float:
    """What compiling may come to, in nodes: the library writes a repeated part out as often as it must occur.

    A bound that needs no reading of the pattern: as if each count held all the others and the whole pattern. Space and
    comments, which a verbose pattern may have within a count, are tried both ways.
    """
    tight = "".join(re.sub(r"#[^\n]*", "", pattern).split())
    return max(len(text) * math.prod(max(1.0, float(count[:300])) for count in re.findall(r"\{(\d+)", text, re.ASCII))
               for text in (pattern, "".join(pattern.split()), tight))


@lru_cache(maxsize=64)
def compiled(pattern: str, ignore_case: bool) -> Any:
    return regex.compile(pattern, regex.DOTALL | (regex.IGNORECASE if ignore_case else 0))


def score(text: str, gold: str | None, params: Params) -> float | None:
    """None where the pattern names a group `answer` and the row has no reference."""
    pattern = compiled(params.pattern, params.ignore_case)
    compares = "answer" in pattern.groupindex
    if compares and gold is None:
        return None
    try:
        match = (pattern.fullmatch if params.whole else pattern.search)(text, timeout=params.timeout_seconds)
    except TimeoutError:
        return 0.0
    right = match is not None and (not compares or (match["answer"] or "").strip() == (gold or "").strip())
    return params.reward if right else 0.0


reward = by_reference(score)
