"""Two processes on the CPU do what one does: the same curve, the same files, one voice, and nobody is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.builders import curve, engine, events, of_type, small_model, train
from tests.engine.catalogue_specs import cards, smallest
from workers.contract.run_spec import RunSpec
from workers.engine.training import checkpoint

CARDS = cards()
SECONDS = 120.0


def written(given: RunSpec) -> Path:
    folder = Path(given.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(given.model_dump_json(), encoding="utf-8")
    return folder / "spec.json"


def numbers(found: list[Any]) -> dict[tuple[int, str], float]:
    """Every number but the clock's."""
    return {(event.step, name): value for event in of_type(found, "metrics") for name, value in event.values.items()
            if name != "step_time" and value is not None}


def files(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def assert_two_equal_one(folder: Path, slug: str, model: Path, *, shard: bool = False) -> Path:
    """Of 2·N samples in one process, N in each of two. Random streams belong to the spec, so that answers are the same."""
    card, other = CARDS[slug], small_model(folder / "other", seed=1)
    two = smallest(folder, card, model=model, other=other, name="two", processes=2, shard=shard, per_device_train_batch_size=2)
    one = two.model_copy(update={"output_dir": str(folder / "one")})
    done = engine(str(written(two)))
    assert done.returncode == 0, done.stderr
    alone, together = numbers(train(one)), numbers(events(folder / "two"))
    assert alone.keys() == together.keys()
    for key, value in alone.items():
        assert together[key] == pytest.approx(value, rel=1e-5, abs=1e-5), key
    assert files(folder / "two" / "checkpoints") == files(folder / "one" / "checkpoints")
    assert files(folder / "two" / "final") == files(folder / "one" / "final")
    return folder / "two"


@pytest.mark.slow
def test_two_processes_of_answers_written_and_learned_from_equal_one(tmp_path: Path, small: Path) -> None:
    assert_two_equal_one(tmp_path, "grpo", small)


@pytest.mark.learn
@pytest.mark.parametrize("slug", [slug for slug in CARDS if slug != "grpo"])
def test_two_processes_equal_one_in_every_method(tmp_path: Path, small: Path, slug: str) -> None:
    assert_two_equal_one(tmp_path, slug, small)


@pytest.mark.slow
def test_cut_weights_learn_alike_leave_whole_files_and_resume_in_one_process(tmp_path: Path, small: Path) -> None:
    place = assert_two_equal_one(tmp_path, "sft-instruct", small, shard=True)
    checkpoint.verify(place / "checkpoints" / "step-00000002")
    found = events(place)
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    on = RunSpec.model_validate_json((place / "spec.json").read_text())
    on = on.model_copy(update={"output_dir": str(tmp_path / "on"), "resume_from": str(place / "checkpoints" / "step-00000001")})
    assert curve(train(on)) == pytest.approx({step: loss for step, loss in curve(found).items() if step > 1}, abs=1e-5)


@pytest.mark.learn
@pytest.mark.parametrize("slug", ["dpo", "rm-bt", "grpo", "ppo"])
def test_cut_weights_learn_alike_in_other_methods(tmp_path: Path, small: Path, slug: str) -> None:
    assert_two_equal_one(tmp_path, slug, small, shard=True)


@pytest.mark.learn
def test_a_run_of_one_process_goes_on_in_two_with_cut_weights(tmp_path: Path, small: Path) -> None:
    given = smallest(tmp_path, CARDS["sft-instruct"], model=small, name="two", processes=2, shard=True)
    straight = curve(train(given.model_copy(update={"output_dir": str(tmp_path / "one")})))
    on = given.model_copy(update={"resume_from": str(tmp_path / "one" / "checkpoints" / "step-00000001")})
    assert engine(str(written(on))).returncode == 0
    assert curve(events(tmp_path / "two")) == pytest.approx(
        {step: loss for step, loss in straight.items() if step > 1}, abs=1e-5)


def started(given: RunSpec) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "workers.engine", str(written(given))], stdin=subprocess.PIPE)


def until_step(given: RunSpec, step: int, process: "subprocess.Popen[bytes]", *, after: int = 0) -> None:
    """Waits until the log has that step behind its first `after` bytes."""
    log, mark = Path(given.output_dir) / "events.jsonl", f'"type":"progress","step":{step},'.encode()
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and not (log.exists() and mark in log.read_bytes()[after:]):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def long_run(folder: Path, model: Path) -> RunSpec:
    return smallest(folder, CARDS["sft-instruct"], model=model, name="run", processes=2, max_steps=100_000, save_steps=5,
                    save_total_limit=2, num_train_epochs=1000)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_clearly_and_it_goes_on_from_its_checkpoint_until_told_to_leave(
    tmp_path: Path, small: Path
) -> None:
    given = long_run(tmp_path, small)
    place = Path(given.output_dir)
    process = started(given)
    until_step(given, 6, process)
    other, = psutil.Process(process.pid).children()
    os.kill(other.pid, signal.SIGKILL)
    assert process.wait(SECONDS) == 1
    failed = events(place)[-1]
    assert (failed.type, failed.code) == ("failed", "worker_lost")
    assert "Process 2 of 2 was ended by signal 9" in failed.message
    told = (place / "events.jsonl").stat().st_size
    before = max(int(path.name.removeprefix("step-")) for path in (place / "checkpoints").glob("step-*"))

    again = subprocess.Popen([sys.executable, "-m", "workers.engine", "resume", str(place)], stdin=subprocess.PIPE)
    until_step(given, before + 3, again, after=told)
    others = psutil.Process(again.pid).children()
    again.stdin.write(b'{"type":"set","field":"learning_rate","value":0.0005}\n')  # type: ignore[union-attr]
    again.stdin.flush()  # type: ignore[union-attr]
    until_step(given, before + 30, again, after=told)
    os.kill(again.pid, signal.SIGTERM)
    assert again.wait(SECONDS) == 3
    found = events(place)
    saved, failed = of_type(found, "checkpoint")[-1], found[-1]
    assert (saved.step, failed.code) == (of_type(found, "metrics")[-1].step, "preempted")
    assert len(of_type(found, "change")) == 1
    assert json.loads((Path(saved.path) / "state.json").read_text())["live"]["learning_rate"] == 0.0005
    assert not [each for each in others if each.is_running()]


@pytest.mark.learn
def test_no_process_outlives_the_first(tmp_path: Path, small: Path) -> None:
    given = long_run(tmp_path, small)
    process = started(given)
    until_step(given, 2, process)
    others = psutil.Process(process.pid).children()
    process.kill()
    process.wait(SECONDS)
    assert others
    assert not psutil.wait_procs(others, SECONDS)[1]


@pytest.mark.learn
def test_a_fault_that_all_processes_meet_is_told_once(tmp_path: Path, small: Path) -> None:
    given = long_run(tmp_path, small)
    given = given.model_copy(update={"config": given.config | {"max_length": 100_000}})
    done = engine(str(written(given)))
    assert done.returncode == 1
    failed, = of_type(events(Path(given.output_dir)), "failed")
    assert failed.code == "config"
    assert "context" in failed.message


@pytest.mark.learn
def test_processes_that_a_launcher_has_started_are_taken_as_they_are(tmp_path: Path, small: Path) -> None:
    """torchrun is what `accelerate launch` uses for more than one process."""
    given = smallest(tmp_path, CARDS["sft-instruct"], model=small, name="two", processes=2)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "workers.engine",
              str(written(given))]
    done = subprocess.run(launch, capture_output=True, text=True, check=False, timeout=240,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    one = train(given.model_copy(update={"output_dir": str(tmp_path / "one")}))
    assert curve(events(tmp_path / "two")) == pytest.approx(curve(one), abs=1e-5)
