"""All that a run is at a step boundary, and how it goes to a checkpoint and comes back bit for bit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from workers.engine.composition import Stateful, UpdateHook
from workers.engine.data.stream import RowStream
from workers.engine.faults import naming_full_disk
from workers.engine.modeling import prefix
from workers.engine.modeling.models import Model
from workers.engine.training import checkpoint, distributed, generators, memory, sharding
from workers.engine.training.optimizers import parameters_of


@dataclass
class TrainingState:
    """`step` turns done, `tokens` trained, `elapsed` seconds at work; `best` is (value, checkpoint name) so far,
    `evaluated` what was measured at this very step."""

    models: dict[str, Model]
    optimizers: dict[str, torch.optim.Optimizer]
    streams: dict[str, RowStream]
    controllers: Mapping[str, Stateful]
    live: dict[str, float]
    tokenizer: Any
    step: int = 0
    tokens: int = 0
    elapsed: float = 0.0
    best: tuple[float, str] | None = None
    evaluated: dict[str, float] = field(default_factory=dict)
    hooks: Mapping[str, UpdateHook] = field(default_factory=dict)
    """By role; kept among the controllers."""


def save(state: TrainingState, root: Path) -> checkpoint.Saved | None:
    """Writes the checkpoint of this step below `root`; every process must ask, the first one writes and answers.

    Raises DiskFault when the disk is full.
    """
    weights = {role: whole_weights_of(state.models[role]) for role in state.optimizers}
    moments = {role: _optimizer_state(optimizer) for role, optimizer in state.optimizers.items()}
    if distributed.rank() > 0:
        return None
    with naming_full_disk():
        root.mkdir(parents=True, exist_ok=True)
        writer = checkpoint.Writer(root, state.step)
        try:
            return _write(state, writer, weights, moments)
        except (OSError, SafetensorError):
            writer.abandon()
            raise


def _write(state: TrainingState, writer: checkpoint.Writer, weights: Mapping[str, dict[str, Tensor] | None],
           moments: Mapping[str, tuple[dict[str, Tensor], dict[str, Any]]]) -> checkpoint.Saved:
    for role, (tensors, _) in moments.items():
        write_model(state.models[role].module, state.tokenizer, writer.directory / role, weights=weights[role])
        prefix.save_trained(state.models[role].module, writer.directory / role)
        writer.tensors(f"optimizer-{role}.safetensors", tensors)
    tensors, drawn = generators.state()
    tensors = {f"generator.{name}": tensor for name, tensor in tensors.items()}
    controllers = {}
    for name, controller in state.controllers.items():
        held, controllers[name] = controller.state()
        tensors |= {f"controller.{name}.{key}": tensor for key, tensor in held.items()}
    writer.tensors("state.safetensors", tensors)
    writer.document("state.json", {
        "step": state.step, "tokens": state.tokens, "elapsed": state.elapsed, "live": state.live, "best": state.best,
        "streams": {role: stream.state() for role, stream in state.streams.items()},
        "optimizers": {role: scalars for role, (_, scalars) in moments.items()}, "generators": drawn,
        "controllers": controllers, "memory": memory.limits(),
    })
    return writer.finish()


def load(state: TrainingState, place: Path) -> None:
    """Brings everything but the models' weights (see `models.build`) back to where the checkpoint stands."""
    said = checkpoint.read_document(place, "state.json")
    tensors = checkpoint.read_tensors(place, "state.safetensors")
    for role, optimizer in state.optimizers.items():
        held = checkpoint.read_tensors(place, f"optimizer-{role}.safetensors")
        parameters = parameters_of(optimizer)
        held = {name: sharding.part_of(value, parameters[int(name.split(".", 1)[0])]) for name, value in held.items()}
        optimizer.load_state_dict(_optimizer_dict(held, said["optimizers"][role], optimizer.state_dict()))
    for name, controller in state.controllers.items():
        controller.restore(_below(tensors, f"controller.{name}."), said["controllers"][name])
    for role, stream in state.streams.items():
        stream.restore(said["streams"][role])
    state.live.update(said["live"])
    state.step, state.tokens, state.elapsed = said["step"], said["tokens"], said["elapsed"]
    state.best = tuple(said["best"]) if said["best"] else None
    memory.restore(said.get("memory", {}))
    generators.restore(_below(tensors, "generator."), said["generators"])


def write_model(module: Any, tokenizer: Any, directory: Path, *, weights: dict[str, Tensor] | None = None) -> None:
    """A directory that transformers (or, for an adapter, peft) loads; `weights` where they are not the module's own."""
    # A sequence classifier scores the last token that is no padding, so that it must know what padding is.
    module.config.pad_token_id = tokenizer.pad_token_id
    module.save_pretrained(directory, safe_serialization=True, **({} if weights is None else {"state_dict": weights}))
    tokenizer.save_pretrained(directory)


def whole_weights_of(model: Model) -> dict[str, Tensor] | None:
    """The weights of a model that is cut over processes, which must all ask; None where its own are whole."""
    return sharding.whole_weights(model.module) if model.sharded else None


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    held = optimizer.state_dict()
    tensors = {f"{index}.{name}": sharding.whole(value) for index, entry in held["state"].items()
               for name, value in entry.items() if isinstance(value, Tensor)}
    return tensors, {"groups": [{"lr": group["lr"]} for group in held["param_groups"]]}


def _optimizer_dict(tensors: dict[str, Tensor], scalars: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """The fresh optimizer's groups with the stored learning rates, and the stored tensors by parameter index."""
    entries: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        entries.setdefault(int(index), {})[key] = tensor
    groups = [group | stored for group, stored in zip(fresh["param_groups"], scalars["groups"], strict=True)]
    return {"state": entries, "param_groups": groups}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
