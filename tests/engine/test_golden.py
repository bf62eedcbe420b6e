"""Curves of 20 steps, stored as text: a change that should not alter results shows the same numbers.

To store them anew after a change that should alter them: `python -m tests.engine.test_golden`, and say why in the commit.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, small_model, spec, sums, train

GOLDEN = Path(__file__).with_name("golden")
RUNS: dict[str, dict[str, Any]] = {
    "sft-instruct": {"method": "sft-instruct"},
    "sft-instruct-packed": {"method": "sft-instruct", "packing": True, "per_device_train_batch_size": 2},
    "sft-instruct-lora": {"method": "sft-instruct", "use_peft": True, "learning_rate": 1e-2},
    "sft-dialogue": {"method": "sft-dialogue", "train_on": "last_assistant"},
}


def losses(folder: Path, model: Path, name: str) -> list[float]:
    given = spec(folder / "run", model=model, data=dataset(folder / "data", sums(64)), save_steps=0,
                 **({"max_steps": 20, "per_device_train_batch_size": 8} | RUNS[name]))
    return list(curve(train(given)).values())


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_curve_is_the_stored_one(tmp_path: Path, small: Path, name: str) -> None:
    stored = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert losses(tmp_path, small, name) == pytest.approx(stored, rel=2e-4)


def store() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model = small_model(Path(scratch) / "model")
        for name in RUNS:
            found = [round(loss, 6) for loss in losses(Path(scratch) / name, model, name)]
            (GOLDEN / f"{name}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    store()
