"""How long a run will take: drawn out from parts of its own steps, evaluations and checkpoints."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, spec, sums, train
from workers.contract.preflight import MemoryEstimate, PreflightReport
from workers.contract.run_spec import Limits, Resources
from workers.engine.preflight import report
from workers.engine.training import timing


def test_a_whole_that_fits_the_budget_is_tried_and_its_median_counts() -> None:
    times = iter([9.0, 0.01, 0.02, 0.04, 0.05, 0.03])
    assert timing.drawn_out(lambda _: next(times), 32, budget=10, most=32) == timing.Drawn(0.04, 32)


def test_what_is_too_large_lies_on_the_line_through_the_two_largest_tried() -> None:
    found = timing.drawn_out(lambda count: 0.2 + 0.1 * count, 64, budget=2.0, most=64)
    assert found.tried == 16
    assert found.seconds == pytest.approx(0.2 + 0.1 * 64)


def test_a_first_piece_beyond_the_budget_is_the_only_one() -> None:
    times = iter([6.0])
    assert timing.drawn_out(lambda _: next(times), 32, budget=1.0, most=32) == timing.Drawn(96.0, 2)


def test_a_check_takes_no_more_pieces_than_the_free_memory_holds() -> None:
    memory = MemoryEstimate(activations=1000, total=1000, available=1000)
    assert timing._roomy(32, memory) == 8
    assert timing.drawn_out(float, 32, budget=1e9, most=8) == timing.Drawn(32.0, 8)


@pytest.mark.parametrize(
    ("total", "every", "evaluations", "saves"), [(100, 50, 3, 3), (120, 50, 4, 4), (10, 50, 2, 2), (9, 0, 2, 2)]
)
def test_a_run_measures_first_and_last_and_saves_last(total: int, every: int, evaluations: int, saves: int) -> None:
    assert (timing._evaluations(total, every), timing._saves(total, every)) == (evaluations, saves)


def checked(folder: Path, small: Path, **config: Any) -> PreflightReport:
    data, held_out = dataset(folder / "data", sums(200)), dataset(folder / "data", sums(40), split="eval")
    return report(spec(folder / "run", model=small, data=data, held_out=held_out, **config))


def test_evaluations_and_checkpoints_are_part_of_the_whole(tmp_path: Path, small: Path) -> None:
    often = checked(tmp_path / "often", small, max_steps=100, eval_steps=1, save_steps=1)
    seldom = checked(tmp_path / "seldom", small, max_steps=100, eval_steps=0, save_steps=0)
    assert often.total_seconds is not None
    assert seldom.total_seconds is not None
    assert seldom.step_seconds
    assert seldom.total_seconds > 100 * seldom.step_seconds
    assert often.total_seconds > 2 * seldom.total_seconds


def test_the_report_says_what_it_timed(tmp_path: Path, small: Path) -> None:
    (said,) = [finding.message for finding in checked(tmp_path, small).findings if finding.code == "time"]
    assert "Timed here just now with a step of 4" in said


def test_a_limit_of_work_bounds_the_whole(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(20)), max_steps=1_000_000,
                 limits=Limits(max_wall_seconds=5))
    assert report(given).total_seconds == 5


def test_a_step_on_a_gpu_is_not_timed_on_the_processor(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(20)))
    found = report(given.model_copy(update={"resources": Resources(gpus=1)}))
    assert (found.ready, found.step_seconds, found.total_seconds, found.steps) == (True, None, None, 6)
    assert found.findings[-1].message == "A step is not timed: the check takes no GPU."


@pytest.mark.slow
def test_the_time_said_is_near_what_a_short_run_takes(tmp_path: Path, small: Path) -> None:
    rows = [{"prompt": "why " * 20, "completion": "so " * (10 + index % 30)} for index in range(400)]
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", rows), max_steps=30, max_length=256,
                 per_device_train_batch_size=32, eval_steps=0, save_steps=0)
    said = report(given).step_seconds
    assert said
    real = sorted(curve(train(given), "step_time").values())[15]
    assert real / 3 < said < real * 3
