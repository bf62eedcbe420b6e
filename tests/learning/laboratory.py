"""What tests of learning are made of: worlds as data, warm-ups that are made once, arms that differ in one part.

Effects are told by the fixture `tell`, each with a bootstrap interval over seeds; pytest prints them at the end, a line each.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.engine.builders import curve, train
from workers.contract.records import Record, RecordKind, Text
from workers.contract.run_spec import DatasetRef, ModelRef, Resources, RewardPipeline, RunSpec
from workers.engine import members, worlds
from workers.engine.data.rendering import render_demonstration
from workers.engine.method import method_of
from workers.engine.modeling.tiny_model import make_model, make_tokenizer

SHAPE = {"width": 64, "layers": 2, "inner": 160, "heads": 4, "context_length": 64}
"""A tenth of a million parameters: enough for every world at the settings used here."""
QUIET: dict[str, Any] = {"eval_steps": 0, "save_steps": 0, "eval_limit": 1}
BOOTSTRAPS = 2000


@cache
def place() -> Path:
    """A folder that lives as long as the test session: worlds and warm-ups are kept in it."""
    return Path(tempfile.mkdtemp(prefix="lodestar-learning-"))


@cache
def made(world: str, knobs_json: str) -> Path:
    """A folder with the world's files."""
    folder = Path(tempfile.mkdtemp(prefix=f"{world}-", dir=place()))
    worlds.write(world, folder, **json.loads(knobs_json))
    return folder


def rows(world: str, knobs: dict[str, Any], part: str, split: str = "train") -> DatasetRef:
    """A part's split as a run's data."""
    folder = made(world, json.dumps(knobs, sort_keys=True))
    [each] = [one for one in members.load(worlds.__name__, world).CARD.parts if one.name == part]
    target = folder / "sets" / f"{part}"
    target.mkdir(parents=True, exist_ok=True)
    file = target / f"{split}.jsonl"
    if not file.exists():
        lines = (folder / f"{each.splits[split]}.jsonl").read_text(encoding="utf-8").splitlines()
        file.write_text("".join(json.dumps(_canonical(json.loads(line))) + "\n" for line in lines), encoding="utf-8")
    return DatasetRef(path=str(target), split=split, kind=RecordKind(each.kind))


def _canonical(row: dict[str, Any]) -> dict[str, Any]:
    """As the platform reads it in: other columns stand in `extra`."""
    known = {name: value for name, value in row.items() if name in Record.model_fields}
    return known | {"extra": row.get("extra", {}) | {name: value for name, value in row.items() if name not in known}}


@cache
def fresh(seed: int = 0) -> Path:
    """A model that knows nothing."""
    folder = Path(tempfile.mkdtemp(prefix="fresh-", dir=place()))
    make_model(seed, **SHAPE).save_pretrained(folder)
    make_tokenizer(SHAPE["context_length"]).save_pretrained(folder)
    return folder


def warm(world: str, knobs: dict[str, Any], steps: int, *, batch: int = 64, learning_rate: float = 3e-3) -> Path:
    """A model that has learned the world's demonstrations with their faults; made once a session."""
    return _warm(world, json.dumps(knobs, sort_keys=True), steps, batch, learning_rate)


@cache
def _warm(world: str, knobs_json: str, steps: int, batch: int, learning_rate: float) -> Path:
    final, _ = run("sft-instruct", fresh(), {"train": rows(world, json.loads(knobs_json), "demonstrations")}, max_steps=steps,
                   learning_rate=learning_rate, adam_beta2=0.98, per_device_train_batch_size=batch, max_length=64, **QUIET)
    return final


def run(method: str, model: Path, data: dict[str, DatasetRef], *, reward: dict[str, Any] | None = None, seed: int = 0,
        models: dict[str, ModelRef] | None = None, **config: Any) -> tuple[Path, list[Any]]:
    """Trains; answers the final model's folder and the run's events."""
    output = Path(tempfile.mkdtemp(prefix=f"{method}-", dir=place()))
    first = method_of(method).CARD.models[0].role
    events = train(RunSpec(
        method=method, config=config, models={first: ModelRef(path=str(model))} | (models or {}), datasets=data, seed=seed,
        reward=RewardPipeline.model_validate(reward) if reward else None, output_dir=str(output), resources=Resources(threads=1)))
    return output / "final", events


def interval(values: Sequence[float], *, level: float = 0.9) -> tuple[float, float]:
    """A bootstrap interval of the mean of one value per seed; seeded, so that a test's verdict is the same each time."""
    draw = np.random.default_rng(0)
    means = draw.choice(np.asarray(values, dtype=float), (BOOTSTRAPS, len(values))).mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


Tell = Callable[[str, Sequence[float]], tuple[float, float]]
"""Told what was measured and its value for each seed, answers the interval of the mean."""


def in_words(what: str, values: Sequence[float]) -> str:
    """The mean over seeds with its interval, and every seed's value."""
    low, high = interval(values)
    each = ", ".join(f"{value:.3f}" for value in values)
    return f"{what} {np.mean(values):.3f} [{low:.3f}, {high:.3f}], seeds {each}"


def ends(events: list[Any], name: str, count: int = 5) -> tuple[float, float]:
    """The means of a metric over the first and over the last `count` steps that have it."""
    found = list(curve(events, name).values())
    return float(np.mean(found[:count])), float(np.mean(found[-count:]))


def records(data: DatasetRef, limit: int) -> list[Record]:
    lines = (Path(data.path) / f"{data.split}.jsonl").read_text(encoding="utf-8").splitlines()[:limit]
    return [Record.model_validate_json(line) for line in lines]


def log_chances(model: Path, asked: Sequence[tuple[Text, Text]]) -> torch.Tensor:
    """log π(answer, its end included | prompt) of each pair [n], exactly."""
    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    rows = [render_demonstration(tokenizer, Record(prompt=prompt, completion=answer))[0] for prompt, answer in asked]
    ids, trained = (pad_sequence([torch.tensor(list(each)) for each in each_row], batch_first=True)
                    for each_row in ([row.ids for row in rows], [row.trained for row in rows]))
    with torch.no_grad():
        each_token = loaded(input_ids=ids).logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return torch.where(trained[:, 1:].bool(), each_token, 0.0).sum(-1)


def chance_of_right(model: Path, prompts: DatasetRef, *, limit: int = 200) -> float:
    """The mean chance that the prompt's reference answer is written at temperature 1: success without drawing."""
    asked = [(one.prompt, one.answer) for one in records(prompts, limit) if one.prompt is not None and one.answer is not None]
    return float(log_chances(model, asked).exp().mean())


def share_of_chosen(model: Path, pairs: DatasetRef, *, limit: int = 200) -> float:
    """The mean chance of the chosen answer, end included, when one of a pair's two is written: exact, without drawing."""
    found = records(pairs, limit)
    chosen, rejected = (log_chances(model, [(one.prompt, getattr(one, side)) for one in found if one.prompt is not None])
                        for side in ("chosen", "rejected"))
    return float(torch.sigmoid(chosen - rejected).mean())
