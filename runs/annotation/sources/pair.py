"""A pair on its way into a campaign, and which of those that a source offers are taken."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
MOST_LOOKED_AT = 20_000
"""So many candidates are looked at for one draw: whoever asks waits for the answer."""


@dataclass(frozen=True)
class Pair:
    """`prompt` is text or messages; an answer `{text, model_id, model_name, step}`; `known` names the better one or is empty."""

    prompt: Any
    first: dict[str, Any]
    second: dict[str, Any]
    known: str = ""
    reference: str | None = None
    row: int | None = None


@dataclass
class Drawn:
    pairs: list[Pair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def draw_from(candidates: Iterator[Pair | str], limit: int) -> Drawn:
    """The first `limit` candidates whose sides differ and that repeat none before them; the others are counted."""
    drawn, seen = Drawn(), set[bytes]()
    for number, found in enumerate(candidates):
        if len(drawn.pairs) == limit or number == MOST_LOOKED_AT:
            break
        if isinstance(found, str):
            drawn.left_out[found] += 1
        elif _plain(found.first["text"]) == _plain(found.second["text"]):
            drawn.left_out["equal"] += 1
        elif (key := _key(found)) in seen:
            drawn.left_out["repeated"] += 1
        else:
            seen.add(key)
            drawn.pairs.append(found)
    return drawn


def some_of(choices: Sequence[T], count: int, rng: Random) -> list[T]:
    return rng.sample(choices, min(count, len(choices)))


def within(answers: Sequence[T]) -> list[tuple[T, T]]:
    """Every two of one list."""
    return list(combinations(answers, 2))


def between(ones: Sequence[T], others: Sequence[T]) -> list[tuple[T, T]]:
    """Every one with every other."""
    return list(product(ones, others))


def answer_of(text: Any, *, model_id: str = "", model_name: str = "", step: int | None = None) -> dict[str, Any]:
    return {"text": text, "model_id": model_id, "model_name": model_name, "step": step}


def _plain(text: Any) -> str:
    """What a person can see of it: space at the ends shows nowhere."""
    return text.strip() if isinstance(text, str) else json.dumps(text, sort_keys=True)


def _key(pair: Pair) -> bytes:
    """The same for the pair turned round."""
    texts = sorted(_plain(answer["text"]) for answer in (pair.first, pair.second))
    return hashlib.sha256(json.dumps([pair.prompt, *texts], sort_keys=True).encode("utf-8", "surrogatepass")).digest()
