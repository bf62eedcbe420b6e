"""Methods by slug: the file `methods/<slug with _ for ->.py` and the config it validates."""

from types import ModuleType
from typing import Any

from pydantic import ValidationError

from workers.contract.catalogue import Catalogue
from workers.contract.run_spec import ModelRef, RunSpec
from workers.engine import members, rewards, worlds
from workers.engine.faults import ConfigFault
from workers.engine.training.training_config import MethodConfig, TrainingConfig

PACKAGE = "workers.engine.methods"


def method_of(slug: str) -> ModuleType:
    """The method's module. Raises ConfigFault that lists what there is."""
    try:
        return members.load(PACKAGE, slug.replace("-", "_"))
    except LookupError as error:
        raise ConfigFault(f"This engine has no method {slug!r}.", f"Choose one of {', '.join(slugs())}.") from error


def slugs() -> list[str]:
    return [name.replace("_", "-") for name in members.names(PACKAGE)]


def training_config_of(method: ModuleType, given: dict[str, Any]) -> TrainingConfig:
    """`config_of` a method that trains. Raises ConfigFault."""
    config = config_of(method, given)
    if not isinstance(config, TrainingConfig):
        raise ConfigFault(f"{method.CARD.title} trains nothing.", "Choose a training method.")
    return config


def primary_of(spec: RunSpec) -> ModelRef:
    """The model whose tokenizer and context count: the first that the method's card needs. Raises ConfigFault."""
    role = method_of(spec.method).CARD.models[0].role
    if role not in spec.models:
        raise ConfigFault(f"The run names no model as {role}.", "Choose a model.")
    return spec.models[role]


def config_of(method: ModuleType, given: dict[str, Any]) -> MethodConfig:
    """The config with every default explicit. Raises ConfigFault that names the first wrong field."""
    try:
        config: MethodConfig = method.Config.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "config"
        raise ConfigFault(f"{field}: {first['msg']}.", "Correct the config, then launch again.") from error
    return config


def catalogue() -> Catalogue:
    """Every method, reward term and world this engine has."""
    methods = [members.load(PACKAGE, name).CARD for name in members.names(PACKAGE)]
    return Catalogue(methods=methods, reward_terms=[rewards.card(kind) for kind in rewards.kinds()],
                     worlds=[worlds.card(name) for name in members.names(worlds.__name__)])
