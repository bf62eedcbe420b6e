"""A catalogue small enough to read beside the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.algorithms import selectors
from workers.contract import catalogue as contract
from workers.contract.catalogue import Catalogue, MethodCard, ModelNeed, RewardTermCard, catalogue_json, load_catalogue

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "$defs": {
        "Sampling": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "temperature": {"type": "number", "exclusiveMinimum": 0, "maximum": 2, "default": 1.0, "title": "Temperature"},
                "top_k": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
            },
        },
    },
    "properties": {
        "learning_rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1e-6, "title": "Learning rate"},
        "max_length": {"type": "integer", "minimum": 8, "default": 1024, "title": "Maximum length", "x-unit": "tokens"},
        "estimator": {"enum": ["k1", "k2", "k3"], "default": "k3"},
        "use_peft": {"type": "boolean", "default": False},
        "sampling": {"$ref": "#/$defs/Sampling"},
        "stop": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": []},
    },
    "if": {"properties": {"use_peft": {"const": True}}, "required": ["use_peft"]},
    "then": {"properties": {"lora_r": {"type": "integer", "minimum": 1, "default": 8}}},
    "else": {"properties": {"lora_r": {"const": 0, "default": 0}}},
}
SCHEMA["properties"]["lora_r"] = {}  # type: ignore[index]
TERM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"tolerance": {"type": "number", "minimum": 0, "default": 1e-6, "title": "Tolerance"}},
}


def card(slug: str, *, needs_reward: bool) -> MethodCard:
    return MethodCard(
        slug=slug, title=slug.upper(), family="test", papers=[], summary="", formula="", data=[],
        models=[ModelNeed(role="policy")], needs_reward=needs_reward, config_schema=SCHEMA,
    )


@pytest.fixture(autouse=True)
def small_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """Takes the place of the checked-in document for one test."""
    numeric = RewardTermCard(kind="numeric_match", title="Numeric match", summary="", params_schema=TERM)
    catalogue = Catalogue(methods=[card("grpo", needs_reward=True), card("sft", needs_reward=False)], reward_terms=[numeric])
    path = tmp_path / "catalogue.json"
    path.write_text(catalogue_json(catalogue), encoding="utf-8")
    monkeypatch.setattr(contract, "CATALOGUE_PATH", path)
    load_catalogue.cache_clear()
    selectors.current_hash.cache_clear()
    yield catalogue
    load_catalogue.cache_clear()
    selectors.current_hash.cache_clear()
