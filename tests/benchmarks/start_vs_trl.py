"""From the start of a run's process to its first optimizer step, beside a script of TRL's: SFT of the 1M model.

    python -m tests.benchmarks.start_vs_trl [--pairs 5] [--warm]

Ours is `python -m workers.engine spec.json`, its first step the first `metrics` event. With --warm the spec is put to a
standing `workers.engine.warm`, whose imports are done, as a worker's questions are; TRL's script always starts cold. Files are
in the page cache on both sides: a first run of each is not counted. See `beside_trl` for --threads and --wait.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.benchmarks import beside_trl

BATCH, ROWS, PROMPT, ANSWER, STEPS = 8, 64, 28, 63, 2


def prepare(folder: Path) -> None:
    beside_trl.make_model(folder / "model", "1M")
    rows = [{"prompt": f"{row:028}", "completion": f"{row:063}"} for row in range(ROWS)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def spec(folder: Path, asked: Namespace) -> Path:
    """Written to a folder of its own, which is the run's."""
    out = Path(tempfile.mkdtemp(dir=folder))
    made = {"method": "sft-instruct", "models": {"policy": {"path": str(folder / "model")}}, "output_dir": str(out),
            "datasets": {"train": {"path": str(folder), "kind": "demonstration"}}, "resources": {"threads": asked.threads},
            "config": {"max_steps": STEPS, "per_device_train_batch_size": BATCH, "max_length": 96, "save_steps": 0}}
    (out / "spec.json").write_text(json.dumps(made), encoding="utf-8")
    return out / "spec.json"


def first_step(out: Path, began: float) -> float:
    """Seconds from then to the run's first `metrics` event."""
    events = [json.loads(line) for line in (out / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return float(next(event["time"] for event in events if event["type"] == "metrics")) - began


def ours_cold(folder: Path, asked: Namespace) -> float:
    path = spec(folder, asked)
    began = time.time()
    subprocess.run([sys.executable, "-m", "workers.engine", str(path)], check=True, stdin=subprocess.DEVNULL,
                   env=beside_trl.environment(asked))
    return first_step(path.parent, began)


def ours_warm(place: Path, folder: Path, asked: Namespace) -> float:
    path = spec(folder, asked)
    began = time.time()
    put(place, path.parent, [str(path)])
    return first_step(path.parent, began)


def put(place: Path, directory: Path, arguments: list[str]) -> None:
    """A command line to the warm engine; returns at its end. Raises SystemExit when it fails."""
    (directory / "request.json").write_text("{}", encoding="utf-8")
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(place))
        asking.sendall(json.dumps({"arguments": arguments, "directory": str(directory)}).encode() + b"\n")
        code = asking.makefile().read().split()[-1]
    if code != "0":
        raise SystemExit((directory / "engine.log").read_text(encoding="utf-8"))


@contextmanager
def warm_engine(folder: Path, asked: Namespace) -> Iterator[Path]:
    """Its socket, once it has answered a first question."""
    place = folder / "engine.sock"
    host = (str(os.getpid()), str(psutil.Process().create_time()))
    standing = subprocess.Popen([sys.executable, "-m", "workers.engine.warm", str(place), *host], stderr=subprocess.DEVNULL,
                                env=beside_trl.environment(asked))
    try:
        while not place.exists():
            time.sleep(0.05)
        put(place, Path(tempfile.mkdtemp(dir=folder)), ["catalogue"])
        yield place
    finally:
        standing.terminate()
        standing.wait()


def theirs_run(folder: Path, asked: Namespace) -> float:
    began = time.time()
    done = subprocess.run([sys.executable, *sys.orig_argv[1:], "--side", "theirs", "--folder", tempfile.mkdtemp(dir=folder)],
                          check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=beside_trl.environment(asked))
    return float(done.stdout.split()[-1]) - began


def theirs(folder: Path, asked: Namespace) -> None:
    """What a script has to do: load rows, make a trainer, train. Prints when the first step was done."""
    import torch
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    torch.set_num_threads(asked.threads)
    rows = [json.loads(line) for line in (folder.parent / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    told = [{"prompt": [{"role": "user", "content": row["prompt"]}],
             "completion": [{"role": "assistant", "content": row["completion"]}]} for row in rows]
    ends, clock = beside_trl.their_clock()
    config = SFTConfig(**beside_trl.their_settings(folder, STEPS), per_device_train_batch_size=BATCH, max_length=96)
    SFTTrainer(str(folder.parent / "model"), args=config, train_dataset=Dataset.from_list(told), callbacks=[clock]).train()
    print(time.time() - (time.perf_counter() - ends.moments[0][0]))


def main() -> None:
    parser = beside_trl.arguments(__doc__)
    parser.add_argument("--warm", action="store_true", help="ours by a standing engine whose imports are done")
    asked = parser.parse_args()
    if asked.side:
        theirs(asked.folder, asked)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder)
        ours_cold(folder, asked)
        theirs_run(folder, asked)
        if asked.warm:
            with warm_engine(folder, asked) as place:
                pairs = [(ours_warm(place, folder, asked), theirs_run(folder, asked)) for _ in range(asked.pairs)]
        else:
            pairs = [(ours_cold(folder, asked), theirs_run(folder, asked)) for _ in range(asked.pairs)]
    mine, other = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    print(f"{'warm' if asked.warm else 'cold'}: ours {mine:.2f} s, TRL {other:.2f} s, "
          f"ratio {beside_trl.spread([one / two for one, two in pairs])}")


if __name__ == "__main__":
    main()
