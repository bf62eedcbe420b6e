"""A pattern of the user's own, searched in the answer, with a limit on time: a pattern may be slow without end."""

from functools import lru_cache
from typing import Any

import regex
from pydantic import Field, field_validator

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._references import by_reference


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
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"The pattern cannot be read: {error}.") from error
        return pattern


CARD = Card("Pattern", "A reward when a regular expression is found in the answer.", (), "0 or the reward set")


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
