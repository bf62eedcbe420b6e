"""Specs, data sets and models for engine tests, with defaults for what a test does not care about."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import load_file

from workers.contract.events import EVENT
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, Limits, ModelRef, Resources, RunSpec
from workers.engine import run
from workers.engine.__main__ import main as engine_main
from workers.engine.control import Inbox
from workers.engine.events import EventLog
from workers.engine.modeling.models import Model, Scorer
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.sample import Sample

SMALL = {"width": 32, "layers": 2, "inner": 64, "heads": 2, "context_length": 256}


def small_model(directory: Path, seed: int = 0, **shape: int) -> Path:
    """A model directory of a few thousand parameters with the tiny model's tokenizer."""
    make_model(seed, **(SMALL | shape)).save_pretrained(directory)
    make_tokenizer(SMALL["context_length"]).save_pretrained(directory)
    return directory


def view(*, trained: bool = True, seed: int = 0, **shape: int) -> Model:
    """A policy on the CPU, scored as the loop scores it."""
    module = make_model(seed, **(SMALL | shape))
    module.set_attn_implementation("lodestar_flat")
    return Model(Scorer(module), torch.device("cpu"), trained=trained)


def random_sample(length: int, *, seed: int = 0, trained_from: int = 1) -> Sample:
    """Random tokens, trained from a position on."""
    ids = torch.randint(7, 260, (length,), generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(length) >= max(trained_from, 1)
    return Sample(ids=ids, mask=mask)


def sums(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Two-digit sums as demonstrations."""
    draw = random.Random(seed)
    pairs = [(draw.randint(10, 99), draw.randint(10, 99)) for _ in range(count)]
    return [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a, b in pairs]


def sum_pairs(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Two-digit sums as preferences: the right sum over one that is off by a little."""
    draw = random.Random(seed)
    return [{"prompt": row["prompt"], "chosen": row["completion"], "rejected": str(int(row["completion"]) + draw.randint(1, 9))}
            for row in sums(count, seed)]


def dataset(directory: Path, rows: list[dict[str, Any]], *, kind: RecordKind = RecordKind.DEMONSTRATION,
            split: str = "train") -> DatasetRef:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return DatasetRef(path=str(directory), split=split, kind=kind)


def spec(folder: Path, *, model: Path, data: DatasetRef, held_out: DatasetRef | None = None, method: str = "sft-instruct",
         seed: int = 0, limits: Limits | None = None, **config: Any) -> RunSpec:
    defaults = {"max_steps": 6, "learning_rate": 1e-3, "max_length": 64, "per_device_train_batch_size": 4, "save_steps": 2}
    datasets = {"train": data} | ({"eval": held_out} if held_out else {})
    return RunSpec(method=method, config=defaults | config, models={"policy": ModelRef(path=str(model))}, datasets=datasets,
                   output_dir=str(folder), seed=seed, resources=Resources(threads=1), limits=limits or Limits())


def train(given: RunSpec, inbox: Inbox | None = None) -> list[Any]:
    """Runs the spec in this process; answers its events."""
    log = EventLog(Path(given.output_dir) / "events.jsonl")
    try:
        run.carry_out(given, log, inbox or Inbox())
    finally:
        log.close()
    return events(Path(given.output_dir))


def events(folder: Path) -> list[Any]:
    return [EVENT.validate_json(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def of_type(found: list[Any], kind: str) -> list[Any]:
    return [event for event in found if event.type == kind]


def curve(found: list[Any], name: str = "loss", *, after: int = -1) -> dict[int, float]:
    """A metric by its step, of the steps after one."""
    return {event.step: event.values[name] for event in of_type(found, "metrics")
            if name in event.values and event.step > after}


def weights(folder: Path, name: str = "run") -> dict[str, torch.Tensor]:
    """What the run of that name left as its final model."""
    return load_file(folder / name / "final" / "model.safetensors")


def straight_and_resumed(made: Callable[[str], RunSpec], *, at: int = 2) -> tuple[list[Any], list[Any]]:
    """The events of a run, `whole`, and of one, `again`, that goes on where `begun` was stopped; `made` gives each its spec."""
    straight, begun = train(made("whole")), made("begun")
    train(begun.model_copy(update={"limits": begun.limits.model_copy(update={"max_steps": at})}))
    place = Path(begun.output_dir) / "checkpoints" / f"step-{at:08}"
    return straight, train(made("again").model_copy(update={"resume_from": str(place)}))


def engine(*arguments: str, stdin: str | None = "", timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """The engine's command line to its end."""
    return subprocess.run([sys.executable, "-m", "workers.engine", *arguments], input=stdin, capture_output=True, text=True,
                          timeout=timeout, check=False)


def engine_until(given: RunSpec, step: int, blow: signal.Signals) -> int:
    """Starts the engine on the spec, sends the signal when the log shows this step; answers the exit code."""
    folder = Path(given.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(given.model_dump_json(), encoding="utf-8")
    child = forked(str(folder / "spec.json"))
    mark = f'"type":"progress","step":{step},'.encode()
    while child.poll() is None:
        path = folder / "events.jsonl"
        if path.exists() and mark in path.read_bytes():
            os.kill(child.pid, blow)
            break
        time.sleep(0.002)
    return child.wait()


class Forked:
    """A process of the engine forked from this one, which has loaded torch already: seconds less than one of its own."""

    def __init__(self, pid: int, said: IO[bytes]) -> None:
        self.pid, self._said = pid, said
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, minus the signal that ended it; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, seconds: float = 120) -> int:
        """As `poll`, when it has ended. Kills one that does not end in time."""
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.005)
        return code

    def output(self) -> str:
        """What it printed; asked once, after its end."""
        with self._said:
            self._said.seek(0)
            return self._said.read().decode()


def forked(*arguments: str, stdin: str = "") -> Forked:
    """The engine's command line in a fork, standard input a file of that text."""
    said = tempfile.TemporaryFile()  # noqa: SIM115 - who asks for the output closes it
    with tempfile.TemporaryFile() as asked:
        asked.write(stdin.encode())
        asked.seek(0)
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.dup2(asked.fileno(), 0)
                os.dup2(said.fileno(), 1)
                sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
                code = engine_main(arguments)
                sys.stdout.flush()
            finally:
                os._exit(code)
    return Forked(pid, said)


def answered(*arguments: str, stdin: str = "") -> str:
    """What the engine's command line prints, in a fork. It ends well."""
    child = forked(*arguments, stdin=stdin)
    assert child.wait() == 0
    return child.output()
