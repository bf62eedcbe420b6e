"""A method's card: what the catalogue says about it. The schema and the live fields come from its config class."""

from typing import Any

from workers.contract.catalogue import MethodCard
from workers.engine.training.training_config import MethodConfig


def card(slug: str, config: type[MethodConfig], **said: Any) -> MethodCard:
    """The card of a method; `said` is every field of `MethodCard` but schema and live fields."""
    schema = config.model_json_schema()
    live = [name for name, field in schema["properties"].items() if field.get("x-live")]
    return MethodCard(slug=slug, config_schema=schema, live_fields=live, **said)
