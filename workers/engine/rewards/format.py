"""Format: the answer has the outward shape that was asked for, whatever it says."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._numbers import MARKER, boxed, numbers

Shape = Literal["think", "think_answer", "boxed", "marker", "json"]


class Params(TermParams):
    shape: Shape = Field(default="think", title="Shape", description=(
        "think: one <think>…</think> at the start, then an answer. think_answer: then one <answer>…</answer> at the end. "
        "boxed: a closed \\\\boxed{…}. marker: a number after ####. json: the whole answer is one JSON object."))
    opened: bool = Field(default=False, title="Prompt opens <think>", description=(
        "The chat template already wrote the opening tag, so the answer begins inside it."))


CARD = Card("Format", "1 when the answer has the asked shape (tags, box, marker, JSON); else 0.")


def think(text: str) -> bool:
    """`<think>…</think>…`: one opening tag, at the very start, then one closing tag (TRL's think_format_reward is as strict)."""
    return text.startswith("<think>") and text.count("<think>") == 1 and text.count("</think>") == 1


def think_answer(text: str) -> bool:
    """`<think>…</think> <answer>…</answer>` with nothing but space between and after."""
    rest = text.partition("</think>")[2].strip()
    once = all(text.count(tag) == 1 for tag in ("<answer>", "</answer>"))
    return think(text) and once and rest.startswith("<answer>") and rest.endswith("</answer>")


def marker(text: str) -> bool:
    return MARKER in text and bool(numbers(text.rsplit(MARKER, 1)[1]))


def json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


SHAPES: dict[Shape, Callable[[str], bool]] = {
    "think": think, "think_answer": think_answer, "boxed": lambda text: boxed(text) is not None, "marker": marker,
    "json": json_object,
}


def reward(
    params: Params, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
    **columns: Sequence[Any],
) -> list[float | None]:
    opening = "<think>" if params.opened else ""
    return [float(SHAPES[params.shape](opening + text)) for text in completions]
