"""JSON as the standard has it: no NaN, no key twice, no number that does not fit, no endless nesting."""

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from workers.agent.ingest.items import DEPTH

SHOWN = 24
"""Characters shown on either side of a fault."""
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>-?Infinity|NaN)')


class BadValue(ValueError):
    """JSON that parses, but says something that no row may hold. `field` is the key where it is known."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadValue(f"The key `{twice[:80]}` stands twice in one object.", twice[:80])
    return found


def _constant(name: str) -> Any:
    raise BadValue(f"{name} is no JSON number. Write null.")


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise BadValue(f"The number {text[:40]} is too large.")
    return value


def _int(text: str) -> int:
    if len(text) > 400:
        raise BadValue(f"A number of {len(text)} digits is too long.")
    return int(text)


DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int)
LENIENT = json.JSONDecoder(parse_int=lambda text: 0)
"""Finds where a value ends that the strict decoder refused."""


def decode_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends. Raises json.JSONDecodeError, BadValue."""
    return _guarded(lambda: DECODER.raw_decode(text, at), text, at)


def decode(text: str) -> Any:
    """The one value of `text`. Raises json.JSONDecodeError, BadValue."""
    return _guarded(lambda: (DECODER.decode(text), len(text)), text, 0)[0]


def constant_column(text: str) -> int | None:
    """Where NaN or Infinity stands outside strings, counted from 1."""
    return next((found.start() + 1 for found in TOKEN.finditer(text) if found["constant"]), None)


def parse_fault(error: json.JSONDecodeError, text: str) -> str:
    """What the parser found, with the piece of the line around it, which the person looks for in the file."""
    start = text.rfind("\n", 0, error.pos) + 1
    end = text.find("\n", error.pos)
    line = text[start : len(text) if end < 0 else end].rstrip()
    first, last = max(error.pos - start - SHOWN, 0), error.pos - start + SHOWN
    piece = "…" * (first > 0) + line[first:last] + "…" * (last < len(line))
    shown = "".join(character if character.isprintable() else "\ufffd" for character in piece)
    return f"Not JSON: {error.msg} at `{shown}`." if shown.strip() else f"Not JSON: {error.msg}."


def check_row(value: dict[str, Any]) -> None:
    """Raises BadValue for text that no UTF-8 file can hold (half of a surrogate pair, which only an escape can write)."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadValue("A text holds half of a surrogate pair, which is no character. Fix the escape \\ud….") from None


def _guarded(run: Callable[[], tuple[Any, int]], text: str, at: int) -> tuple[Any, int]:
    try:
        value, end = run()
    except RecursionError:
        raise BadValue(f"Nested deeper than {DEPTH} levels.") from None
    if text.count("[", at, end) + text.count("{", at, end) > DEPTH and depth_of(value) > DEPTH:
        raise BadValue(f"Nested deeper than {DEPTH} levels.")
    return value, end


def depth_of(value: Any) -> int:
    """Levels of lists and objects, without recursion."""
    depth, level = 0, [value]
    while level:
        level = [inner for outer in level if isinstance(outer, list | dict) for inner in _inside(outer)]
        depth += 1
        if depth > DEPTH + 1:
            break
    return depth - 1


def _inside(outer: list[Any] | dict[str, Any]) -> list[Any]:
    return list(outer.values()) if isinstance(outer, dict) else outer
