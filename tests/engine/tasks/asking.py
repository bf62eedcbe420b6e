"""A model that has learned a few sums by heart, and specs of tasks that ask it."""

from pathlib import Path
from typing import Any

from tests.engine.builders import dataset, of_type, spec, train
from workers.contract.control import Stop
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, Resources, RewardPipeline, RunKind, RunSpec
from workers.engine.control import Inbox

KNOWN = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a, b in ((1, 2), (2, 2), (3, 4), (5, 1))]


def learned(folder: Path, small: Path) -> Path:
    """A model directory that answers `KNOWN` greedily: trained on nothing else until it does."""
    given = spec(folder / "lesson", model=small, data=dataset(folder / "lesson-data", KNOWN), max_steps=150, save_steps=0,
                 learning_rate=3e-3, lr_scheduler_type="constant")
    final = of_type(train(given), "artifact")[-1]
    return Path(final.path)


def asked(folder: Path, rows: list[dict[str, Any]], *, kind: RecordKind = RecordKind.PROMPT_ANSWER) -> DatasetRef:
    return dataset(folder, rows, kind=kind, split="test").model_copy(update={"name": "Small sums", "rows": len(rows)})


def task_spec(folder: Path, method: str, *, kind: RunKind = RunKind.EVALUATE, models: dict[str, ModelRef],
              datasets: dict[str, DatasetRef], reward: RewardPipeline | None = None, seed: int = 0, **config: Any) -> RunSpec:
    return RunSpec(method=method, kind=kind, config=config, models=models, datasets=datasets, output_dir=str(folder), seed=seed,
                   reward=reward, resources=Resources(threads=1))


class StopsAt(Inbox):
    """Hears a stop when it is asked for the n-th time."""

    def __init__(self, call: int, stop: Stop) -> None:
        super().__init__()
        self._left, self._stop = call, stop

    def drain(self) -> list[Any]:
        self._left -= 1
        return [self._stop] if self._left == 0 else super().drain()
