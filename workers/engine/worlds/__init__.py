"""Worlds: small generated tasks with known answers, for the demo, for trying methods and for tests of learning.

Every member is a pure function of its knobs, the seed being one of them. It exports

    class Knobs(WorldKnobs)                               the dials, each with default, bounds and help
    CARD = Card(title, summary, parts)                    what can be made of it, and by which files
    def make(knobs) -> dict[str, rows]                    rows by file name, each a canonical record's fields

and, where a verifier is more than a comparison with the row's answer,

    def gold(knobs, prompt, answer) -> float              the true reward of an answer, in the world's own measure
    def credit(knobs, prompts, answers) -> list of lists  what each token of an answer did to the expected reward

One character is one symbol and, under the tiny model's tokenizer, one token. `credit` gives n + 1 numbers for an answer of n
characters, the last for its end; they add up to gold minus the value that the prompt had. Rows that a gold reward can score
carry `world`, the name and the knobs they were made with, so that the reward term `world` needs no setting of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from workers.contract.catalogue import WorldCard, WorldPart
from workers.contract.records import RecordKind
from workers.engine import members

Row = dict[str, Any]
Rows = list[Row]


class WorldKnobs(BaseModel):
    """The dials of a world. Unknown names are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    seed: int = Field(default=0, ge=0, le=2**31 - 1, title="Seed", description="Equal seeds and knobs give equal rows.")


@dataclass(frozen=True)
class Part:
    """Rows of one kind; `splits` names the file of each split."""

    name: str
    kind: RecordKind
    title: str
    summary: str
    splits: Mapping[str, str]


@dataclass(frozen=True)
class Card:
    title: str
    summary: str
    parts: tuple[Part, ...]


def part(name: str, kind: RecordKind, title: str, summary: str, *splits: str) -> Part:
    """A part whose files are called `<name>_<split>`."""
    return Part(name, kind, title, summary, {split: f"{name}_{split}" for split in splits})


def card(name: str) -> WorldCard:
    """The catalogue's card of the world `name`. Raises LookupError."""
    world = members.load(__name__, name)
    own, schema = cast(Card, world.CARD), world.Knobs.model_json_schema()
    for order, (knob, says) in enumerate(schema["properties"].items()):
        # The seed, which all worlds have first, stands last in the form; the others as the file has them.
        says["x-order"] = 1000 if knob == "seed" else order
    return WorldCard(
        name=name, title=own.title, summary=own.summary, knobs_schema=schema, rewarded=is_rewarded(name),
        parts=[WorldPart(name=each.name, kind=each.kind, title=each.title, summary=each.summary,
                         splits={split: f"{file}.jsonl" for split, file in each.splits.items()}) for each in own.parts])


def is_rewarded(name: str) -> bool:
    """Whether there is such a world and it has a gold reward of its own."""
    return name in members.names(__name__) and hasattr(members.load(__name__, name), "gold")


def write(name: str, directory: Path, **knobs: Any) -> list[Path]:
    """Makes the world `name` into `<directory>/<file>.jsonl`. Raises LookupError, or pydantic's error for wrong knobs."""
    world = members.load(__name__, name)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for file, rows in world.make(world.Knobs(**knobs)).items():
        path = directory / f"{file}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        written.append(path)
    return written


def stamp(name: str, knobs: WorldKnobs) -> Row:
    """What rows carry as `world`: all that scoring an answer needs, whatever the defaults are one day."""
    return {"name": name, "knobs": knobs.model_dump(mode="json")}
