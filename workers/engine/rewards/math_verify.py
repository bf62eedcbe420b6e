"""Mathematical equality by the math-verify library: \\frac{1}{2} equals 0.5, {1,2} equals {2,1}.

Its parser may be slow on strange text. Where signals work (the process's main thread) each text has a time limit; text
is cut to its end, where answers stand. The limit is real time, so a text near it may score differently elsewhere.
"""

import logging
import threading
from functools import lru_cache
from typing import Any

from math_verify import parse, verify
from pydantic import Field

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._references import by_reference

# The library logs a warning for every text it cannot read; a policy writes many of those.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)


class Params(TermParams):
    tail: int = Field(default=1000, ge=16, le=20_000, title="Characters read", description=(
        "Only the last characters of the answer are read."), json_schema_extra={"x-unit": "characters"})
    timeout_seconds: int = Field(default=2, ge=1, le=30, title="Time limit", description=(
        "An answer that takes longer to read or compare scores 0."), json_schema_extra={"x-unit": "seconds"})
    numeric_precision: int = Field(default=6, ge=1, le=15, title="Decimal places", description="Digits compared after the point.")


CARD = Card("Mathematical equality", "1 when the answer's final expression equals the reference's; else 0.", ("answer",))


def score(text: str, gold: str | None, params: Params) -> float | None:
    """None for a row whose reference cannot be read as mathematics."""
    seconds = limit(params)
    wanted = expression(gold, seconds) if gold is not None else ()
    if not wanted:
        return None
    found = expression(text[-params.tail:], seconds)
    return float(bool(found) and verify(
        list(wanted), list(found), float_rounding=params.numeric_precision, timeout_seconds=seconds))


reward = by_reference(score)


@lru_cache(maxsize=4096)
def expression(text: str, seconds: int | None) -> tuple[Any, ...]:
    """What math-verify reads from `text`; empty where there is nothing."""
    text = text.rsplit("####", 1)[-1]
    return tuple(parse(text, parsing_timeout=seconds))


def limit(params: Params) -> int | None:
    """The library's limit is an alarm signal, which only the main thread can set."""
    return params.timeout_seconds if threading.current_thread() is threading.main_thread() else None
