"""What is learned is a rule, not rows by heart: the demo's sums and preferences, on prompts that were never shown."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset
from tests.learning.laboratory import QUIET, Tell, place, rows, run
from workers import statistics
from workers.contract.records import RecordKind
from workers.engine.method import method_of
from workers.engine.modeling.tiny_model import make_tiny

pytestmark = [pytest.mark.learn, pytest.mark.timeout(1200)]

NUMBERS = random.Random(0).sample(range(100, 1000), 900)


@pytest.fixture(scope="module")
def tiny() -> Path:
    folder = place() / "tiny"
    if not folder.exists():
        make_tiny(folder)
    return folder


def demo(method: str) -> dict[str, Any]:
    return dict(next(preset.config for preset in method_of(method).CARD.presets if preset.name == "demo"))


def test_the_demo_raises_exact_match_on_held_out_sums_beyond_chance(tiny: Path, tell: Tell) -> None:
    """Its own warm-up forgets carries; the bounds are of 512 sums."""
    warm, _ = run("sft-instruct", tiny, {"train": rows("arithmetic", {}, "demonstrations")}, **(demo("sft-instruct") | QUIET))
    data = {"train": rows("arithmetic", {}, "prompts"), "eval": rows("arithmetic", {}, "prompts", "test")}
    _, events = run("grpo", warm, data, reward={"terms": [{"name": "correct", "kind": "numeric_match"}]},
                    **(demo("grpo") | QUIET | {"max_steps": 30, "eval_steps": 30, "eval_limit": 512, "rollout_steps": 0}))
    match = curve(events, "eval/exact_match")
    before, after = (statistics.wilson(round(512 * match[step]), 512) for step in (0, 30))
    tell(f"grpo's demo: exact match of 512 held-out sums {match[0]:.3f}, after 30 steps", [match[30]])
    assert (after.low or 0) > (before.high or 1)


def pair(number: int, draw: random.Random) -> dict[str, Any]:
    """Repeating a number, told from repeating it with one digit wrong."""
    digits = list(str(number))
    at = draw.randrange(len(digits))
    digits[at] = draw.choice([digit for digit in "0123456789" if digit != digits[at]])
    return {"prompt": f"Say {number}.", "chosen": str(number), "rejected": "".join(digits)}


@pytest.mark.parametrize(("method", "metric", "config"), [
    ("rm-bt", "eval/accuracy", {"learning_rate": 1e-3}),
    ("dpo", "eval/rewards/accuracies", {"learning_rate": 5e-4, "beta": 0.3}),
])
def test_the_rule_of_pairs_holds_on_numbers_that_were_never_shown(
    tmp_path: Path, tiny: Path, tell: Tell, method: str, metric: str, config: dict[str, Any]
) -> None:
    draw = random.Random(1)
    data = {role: dataset(tmp_path / "data", [pair(number, draw) for number in numbers], kind=RecordKind.PREFERENCE, split=role)
            for role, numbers in (("train", NUMBERS[:800]), ("eval", NUMBERS[800:]))}
    _, events = run(method, tiny, data, max_steps=400, per_device_train_batch_size=32, max_length=32, eval_steps=100,
                    save_steps=0, adam_beta2=0.98, **config)
    found = curve(events, metric)
    tell(f"{method}: share of 100 held-out pairs told right {found[0]:.3f}, after 400 steps", [found[400]])
    assert found[400] > 0.75
