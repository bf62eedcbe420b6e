"""What a reward teaches in the arithmetic world: a model that forgets its carries learns to add, by each method.

A warmed-up model prefers the wrong habit in known cases (see the world), so that what it can do before is known, and what it
answers rightly after was taught by the reward. Held-out prompts where there are some; the figures are printed with their
intervals (`pytest -rP`).
"""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, train
from workers import statistics
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, Resources, RewardPipeline, RunSpec
from workers.engine import worlds
from workers.engine.method import method_of
from workers.engine.modeling.tiny_model import make_model, make_tokenizer

CORRECT = RewardPipeline.model_validate({"terms": [{"name": "correct", "kind": "numeric_match"}]})
METHODS = ["ppo", "rloo"]


def preset(method: str) -> dict[str, Any]:
    return dict(next(preset.config for preset in method_of(method).CARD.presets if preset.name == "demo"))


def data(world: Path, folder: Path, *, train_file: str, test_file: str, kind: RecordKind) -> dict[str, DatasetRef]:
    """Two files of a world, copied into `folder` as the splits of a run."""
    place = folder / f"data-{train_file}"
    place.mkdir()
    for split, file in (("train", train_file), ("test", test_file)):
        (place / f"{split}.jsonl").write_bytes((world / f"{file}.jsonl").read_bytes())
    return {role: DatasetRef(path=str(place), split=split, kind=kind) for role, split in (("train", "train"), ("eval", "test"))}


def warmed_up(folder: Path, *, knobs: dict[str, Any], shape: dict[str, int], config: dict[str, Any]) -> Path:
    """A folder with the world's files and, in `warm/final`, a model that has learned its demonstrations with their fault."""
    worlds.write("arithmetic", folder, **knobs)
    make_model(0, **shape).save_pretrained(folder / "fresh")
    make_tokenizer(shape.get("context_length", 2048)).save_pretrained(folder / "fresh")
    train(RunSpec(
        method="sft-instruct", config=preset("sft-instruct") | config, models={"policy": ModelRef(path=str(folder / "fresh"))},
        datasets=data(folder, folder, train_file="demonstrations", test_file="demonstrations_test",
                      kind=RecordKind.DEMONSTRATION),
        output_dir=str(folder / "warm"), resources=Resources(threads=1)))
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sums of one digit and a model half as wide as the tiny one, warmed up within seconds."""
    return warmed_up(tmp_path_factory.mktemp("digits"), knobs={"digits": 1, "train": 90, "test": 10, "demonstrations": 90},
                     shape={"width": 64, "layers": 2, "inner": 160, "heads": 4, "context_length": 64},
                     config={"max_steps": 300, "learning_rate": 5e-3, "eval_steps": 0, "eval_limit": 1, "save_steps": 0})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's own warm-up."""
    return warmed_up(tmp_path_factory.mktemp("demo"), knobs={}, shape={}, config={"eval_steps": 0, "save_steps": 0})


def taught(world: Path, folder: Path, method: str, **config: Any) -> list[Any]:
    """The events of a run in `folder` that starts from the world's warmed-up model."""
    datasets = data(world, folder, train_file="prompts_train", test_file="prompts_test", kind=RecordKind.PROMPT_ANSWER)
    return train(RunSpec(
        method=method, config=preset(method) | config, models={"policy": ModelRef(path=str(world / "warm" / "final"))},
        datasets=datasets, reward=CORRECT, output_dir=str(folder / "taught"), resources=Resources(threads=1)))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_few_steps_raise_the_reward_of_sums_of_one_digit_each(digits: Path, tmp_path: Path, method: str) -> None:
    rewards = list(curve(taught(digits, tmp_path, method, prompts_per_step=32, num_generations=8, max_steps=40, eval_steps=0,
                                eval_limit=1, learning_rate=1e-3, rollout_steps=0, save_steps=0), "reward").values())
    begun, ended = sum(rewards[:5]) / 5, sum(rewards[-5:]) / 5
    print(f"{method}: mean reward of five steps {begun:.3f} at first, {ended:.3f} at last")  # noqa: T201 - the evidence
    assert ended > begun + 0.1


@pytest.mark.learn
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("method", METHODS)
def test_the_demo_raises_exact_match_on_held_out_sums_beyond_chance(demo: Path, tmp_path: Path, method: str) -> None:
    found = taught(demo, tmp_path, method, max_steps=30, eval_steps=30, eval_limit=512, rollout_steps=0, save_steps=0)
    match = curve(found, "eval/exact_match")
    before, after = (statistics.wilson(round(512 * match[step]), 512) for step in (0, 30))
    print(f"{method}: exact match of 512 held-out sums {before} before, {after} after 30 steps")  # noqa: T201 - the evidence
    assert (after.low or 0) > (before.high or 1)
