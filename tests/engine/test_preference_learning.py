"""What is preferred is learned as a rule, not by heart: repeating a number, told from repeating it with one digit wrong.

The numbers of the held-out rows are never trained on.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, spec, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef
from workers.engine.modeling.tiny_model import make_tiny

NUMBERS = random.Random(0).sample(range(100, 1000), 900)


def pair(number: int, draw: random.Random) -> dict[str, Any]:
    digits = list(str(number))
    place = draw.randrange(len(digits))
    digits[place] = draw.choice([digit for digit in "0123456789" if digit != digits[place]])
    return {"prompt": f"Say {number}.", "chosen": str(number), "rejected": "".join(digits)}


def pairs(numbers: list[int]) -> list[dict[str, Any]]:
    draw = random.Random(len(numbers))
    return [pair(number, draw) for number in numbers]


def marks(numbers: list[int]) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
            for row in pairs(numbers) for side in ("chosen", "rejected")]


@pytest.mark.learn
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "role", "metric", "bound", "config"), [
    ("rm-bt", "reward", "eval/accuracy", 0.75, {"learning_rate": 1e-3}),
    ("dpo", "policy", "eval/rewards/accuracies", 0.75, {"learning_rate": 5e-4, "beta": 0.3}),
    ("kto", "policy", "eval/rewards/margins", 0.2, {"learning_rate": 5e-4, "beta": 0.3}),
])
def test_the_rule_holds_on_numbers_that_were_never_shown(
    tmp_path: Path, method: str, role: str, metric: str, bound: float, config: dict[str, Any]
) -> None:
    make_tiny(tmp_path / "model")
    rows, kind = (marks, RecordKind.UNPAIRED) if method == "kto" else (pairs, RecordKind.PREFERENCE)
    data, held_out = (dataset(tmp_path / "data", rows(numbers), kind=kind, split=split)
                      for split, numbers in (("train", NUMBERS[:800]), ("test", NUMBERS[800:])))
    given = spec(tmp_path / "run", model=tmp_path / "model", data=data, held_out=held_out, method=method, max_steps=400,
                 per_device_train_batch_size=32, max_length=32, eval_steps=100, save_steps=0, adam_beta2=0.98, **config)
    given.models = {role: ModelRef(path=str(tmp_path / "model"))}
    found = curve(train(given), metric)
    assert found[400] > bound
