"""Catalogue: what the engine knows how to run, as one document from which forms, validation and docs are drawn.

`make catalogue` writes it to `workers/contract/catalogue.json`, which is checked in; the web side reads that file
and never the engine's code. In a schema, the keywords `x-group` ("basic" or "advanced"), `x-unit`, `x-live` (may be
changed while running), `x-order` (integer), `x-section` (heading where fields are many), `x-format` ("python" or "text": a
text of many lines), `x-auto` and `x-when` steer the form; everything else is plain JSON Schema 2020-12.
`x-auto` is `{value, word, said}`: the value that leaves the choice to the engine, the word shown for it, and how
the engine chooses, as a sentence. `x-when` names other fields and, for each, the values with which this one means anything.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from workers.contract.document import Document
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind, RunKind

CATALOGUE_PATH = Path(__file__).with_name("catalogue.json")


class Paper(Document):
    title: str
    authors: str = ""
    year: int
    link: str = Field(default="", description="arXiv or DOI address.")


class MetricInfo(Document):
    """A curve the method logs. `panel` groups curves on the live page; `better` says which way is good.

    `share_of` names the curve that counts what this one is a share of: the page draws the share with Wilson's interval.
    """

    name: str
    title: str
    panel: str
    unit: str = ""
    better: Literal["up", "down", "none"] = "none"
    help: str = ""
    share_of: str = ""


class Preset(Document):
    """Settings for a purpose. `part` names the part of the demo's world to train on, where the first of a fitting kind lacks
    columns that the method reads.
    """

    name: str
    title: str
    description: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    part: str = ""


class DataNeed(Document):
    """Data sets the method takes, by role. Any kind listed fits; `required` False may be left out."""

    role: str
    kinds: list[RecordKind]
    required: bool = True
    help: str = ""


class ModelNeed(Document):
    """A model the method takes, by role; one of another kind than `kinds` is refused."""

    role: str
    kinds: list[ModelKind] = Field(default_factory=lambda: [ModelKind.CAUSAL])
    required: bool = True
    help: str = ""


class MethodCard(Document):
    """One method. `config_schema` is the JSON Schema of its config; `formula` is TeX; `kind` says what its runs do.

    `needs_reward` asks for a pipeline, `takes_reward` allows one. The first of `models` is the one whose tokenizer
    and context count.
    """

    slug: str
    kind: RunKind = RunKind.TRAIN
    title: str
    family: str
    papers: list[Paper]
    summary: str
    formula: str
    confidence: Literal["code", "paper", "notes", "knowledge", "reconstruction"] = "paper"
    left_out: str = ""
    data: list[DataNeed]
    models: list[ModelNeed]
    needs_reward: bool = False
    takes_reward: bool = False
    config_schema: dict[str, Any]
    live_fields: list[str] = Field(default_factory=list)
    presets: list[Preset] = Field(default_factory=list)
    metrics: list[MetricInfo] = Field(default_factory=list)


class RewardTermCard(Document):
    """One kind of reward term: what it measures, the JSON Schema of its params, the columns it reads.

    `model` is the kind of model it asks (`RewardTerm.model_id`), None for one that asks none; `model_required` False
    means that it can do without.
    """

    kind: str
    title: str
    summary: str
    params_schema: dict[str, Any]
    columns: list[str] = Field(default_factory=list)
    range: str = ""
    model: ModelKind | None = None
    model_required: bool = False


class WorldPart(Document):
    """Rows of one kind that a world makes; `splits` names the file of each split."""

    name: str
    kind: RecordKind
    title: str
    summary: str
    splits: dict[str, str]


class WorldCard(Document):
    """A generated world: the JSON Schema of its knobs, the data sets it makes; `rewarded`: the reward term `world` scores it."""

    name: str
    title: str
    summary: str
    knobs_schema: dict[str, Any]
    rewarded: bool
    parts: list[WorldPart]


class Catalogue(Document):
    version: Literal[1] = 1
    methods: list[MethodCard]
    reward_terms: list[RewardTermCard]
    worlds: list[WorldCard] = Field(default_factory=list)

    def method(self, slug: str) -> MethodCard:
        """The card of `slug`. Raises KeyError when the catalogue has none."""
        for card in self.methods:
            if card.slug == slug:
                return card
        raise KeyError(slug)

    def world(self, name: str) -> WorldCard:
        """The card of the world `name`. Raises KeyError when the catalogue has none."""
        for card in self.worlds:
            if card.name == name:
                return card
        raise KeyError(name)


def catalogue_json(catalogue: Catalogue) -> str:
    """The checked-in form: sorted keys, two spaces, a final newline, so that a changed default shows in review."""
    return json.dumps(catalogue.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@cache
def load_catalogue() -> Catalogue:
    """The checked-in catalogue. Raises FileNotFoundError when `make catalogue` has never run."""
    return Catalogue.model_validate_json(CATALOGUE_PATH.read_text(encoding="utf-8"))


def catalogue_hash(catalogue: Catalogue) -> str:
    """SHA-256 of the checked-in form, hex: equal on two hosts exactly when they offer the same methods."""
    return hashlib.sha256(catalogue_json(catalogue).encode()).hexdigest()
