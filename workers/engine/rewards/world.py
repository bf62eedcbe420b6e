"""World: the gold reward of a generated world, whose rows say in the column `world` which one and with what knobs.

Besides the answer's number it gives each character, and the end, its exact credit: how far it moved the reward that was to be
expected (see the worlds' `credit`). A method that credits steps can use it; every character is a step.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from pydantic import Field

from workers.engine import members, worlds
from workers.engine.data.steps import NO_STEPS, StepValues
from workers.engine.faults import RewardFault
from workers.engine.rewards import Answered, Card, TermParams
from workers.engine.worlds import WorldKnobs


class Params(TermParams):
    credit: bool = Field(default=True, title="Credit tokens", description=(
        "Also say what each token of an answer was worth, for methods that credit steps."))


CARD = Card("World's gold", "What an answer in a generated world is truly worth, which the world knows.", ("world",),
            "0 or 1; any number in goodhart")


def reward(
    params: Params, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
    world: Sequence[Any], **columns: Sequence[Any],
) -> list[float | None]:
    """Raises RewardFault for a row that names no world, or a prompt that is none of its world's."""
    values: list[float | None] = [0.0] * len(prompts)
    steps = [NO_STEPS] * len(prompts)
    together: dict[str, list[int]] = {}
    for index, named in enumerate(world):
        together.setdefault(json.dumps(named, sort_keys=True), []).append(index)
    for named_json, rows in together.items():
        place, knobs = _world(named_json)
        asked, said = [prompts[row] for row in rows], [completions[row] for row in rows]
        try:
            found = [place.gold(knobs, prompt, answer) for prompt, answer in zip(asked, said, strict=True)]
            moved = place.credit(knobs, asked, said) if params.credit else []
        except ValueError as error:
            raise RewardFault(f"A prompt is none of its world's: {error}", "Use the rows as the world made them.") from error
        for row, value in zip(rows, found, strict=True):
            values[row] = value
        for row, each in zip(rows, moved, strict=False):
            steps[row] = StepValues(tuple(range(1, len(each) + 1)), tuple(each))
    return Answered(values, steps=steps) if params.credit else values


@lru_cache(maxsize=64)
def _world(named_json: str) -> tuple[ModuleType, WorldKnobs]:
    named = json.loads(named_json)
    if not isinstance(named, Mapping) or not worlds.is_rewarded(str(named.get("name"))):
        raise RewardFault(f"The column `world` holds {named_json}, which names no world that can score an answer.",
                          "Use rows that a world made, or leave this term out.")
    place = members.load(worlds.__name__, str(named["name"]))
    return place, place.Knobs(**named.get("knobs", {}))
