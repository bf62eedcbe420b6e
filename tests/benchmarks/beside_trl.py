"""What the benchmarks beside TRL share: models, clocks at the ends of steps, alternating runs, ratios.

Each side is a process of its own, with the same threads and the same environment, that waits while the other runs; the clocks
start after the warm steps of each run, imports and loading not counted. Ours and TRL's take turns. A comparison
whose steps train different numbers of tokens is refused. Nothing is asserted about time. Give it an idle machine: pairs during
whose steps others kept a processor busy are not counted where there are better ones, and the number of quiet ones is told.

A benchmark is a script with two functions, `ours` and `theirs`, from a folder that `prepare` filled to a `Took`:

    if __name__ == "__main__":
        beside_trl.main(parser, prepare=prepare, ours=ours, theirs=theirs)
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHAPES = {"1M": {"width": 128, "layers": 4, "inner": 448, "heads": 4},
          "10M": {"width": 320, "layers": 8, "inner": 864, "heads": 5}}
VOCABULARY = 1024
QUIET = 0.15
"""Processors that other work may keep busy while a pair counts."""
WARM = 2
"""Steps before the clock counts: buffers are allocated, kernels chosen, our reference's log-probs cached. Our clock ticks
before each step, TRL's after it: the first `WARM` of our intervals and `WARM` - 1 of TRL's are left out."""


@dataclass(frozen=True)
class Took:
    """Of one run. `wall` and `processor`: median seconds of a step, by the wall and of all threads on the processor.

    `tokens` a second over all steps after the warm ones; `trained` tokens of a step, on average; `peak` resident bytes.
    `elsewhere`: processors that other work kept busy meanwhile, on average.
    """

    wall: float
    processor: float
    tokens: float
    trained: float
    peak: int
    elsewhere: float = 0.0


@dataclass
class Ends:
    """Moments between steps, as (wall, this process's processor time, all processors' busy time)."""

    moments: list[tuple[float, float, float]] = field(default_factory=list)

    def note(self) -> None:
        self.moments.append((time.perf_counter(), time.process_time(), _busy()))

    def took(self, skipped: int, trained: float, *, read: float | None = None) -> Took:
        """What the steps after the first `skipped` intervals took, with as many tokens trained in each on average, and as many
        read where the rate counts those."""
        counted = self.moments[skipped:]
        wall, processor = ([after[side] - before[side] for before, after in itertools.pairwise(counted)] for side in (0, 1))
        own, busy = (counted[-1][side] - counted[0][side] for side in (1, 2))
        return Took(statistics.median(wall), statistics.median(processor), (read or trained) / statistics.mean(wall), trained,
                    1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, (busy - own) / sum(wall))


def _busy() -> float:
    """Seconds that this machine's processors have worked, or were kept from it by the host."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, Path("/proc/stat").read_text(encoding="ascii").split()[1:11])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def our_run(spec: Any) -> tuple[Ends, list[Any]]:
    """Trains the spec in this process; answers when the loop looked into its inbox, which it does before each step, and the
    run's events."""
    from tests.engine.builders import train
    from workers.engine.control import Inbox

    class Clock(Inbox):
        def drain(self) -> list[Any]:
            ends.note()
            return super().drain()

    ends = Ends()
    return ends, train(spec, Clock())


def their_clock() -> tuple[Ends, Any]:
    """Moments at the ends of TRL's steps, and the callback that notes them."""
    from transformers.trainer_callback import TrainerCallback

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.note()

    ends = Ends()
    return ends, Clock()


def their_settings(folder: Path, steps: int, *, bf16: bool = False) -> dict[str, Any]:
    """TRL's arguments that all cases share: its faster settings here, and ours for optimizer, clipping and logging.

    Gradient checkpointing, which TRL switches on, is off; AdamW, β 0.9 and 0.999, no decay, clipping at 1 are its defaults.
    """
    return {"output_dir": str(folder / "trl"), "max_steps": steps, "logging_steps": 1, "report_to": [], "use_cpu": True,
            "bf16": bf16, "gradient_checkpointing": False, "save_strategy": "no", "disable_tqdm": True}


def make_model(place: Path, size: str, *, vocabulary: int = VOCABULARY, ends: float | None = None) -> None:
    """Writes a fresh model of that many tokens, and the tiny model's tokenizer with as many more.

    `ends` is how likely each token is to end a text, 0 for never: then the end token lies beyond the model's vocabulary.
    None leaves both as they are.
    """
    from workers.engine.modeling import tiny_model

    model, tokenizer = tiny_model.make_model(0, vocabulary=vocabulary, **SHAPES[size]), tiny_model.make_tokenizer()
    if ends is not None:
        tokenizer.add_tokens([f"<|{number}|>" for number in range(len(tokenizer), vocabulary + 1)])
        tokenizer.chat_template = None
    if ends == 0:
        model.config.eos_token_id = model.generation_config.eos_token_id = None
        tokenizer.eos_token = f"<|{vocabulary}|>"
    elif ends is not None:
        _make_ends_likely(model, ends)
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)


def _make_ends_likely(model: Any, chance: float) -> None:
    """Gives all embeddings one direction in common, and the end token so much more of it that its mean chance is `chance`."""
    import torch

    table, end = model.get_input_embeddings().weight, model.config.eos_token_id
    ids = torch.randint(7, 260, (8, 64), generator=torch.Generator().manual_seed(0))
    low, high = 0.0, 4.0
    with torch.no_grad():
        table[:, 0] = 0.1
        for _ in range(30):
            table[end, 0] = (low + high) / 2
            if float(model(ids).logits.softmax(-1)[..., end].mean()) < chance:
                low = (low + high) / 2
            else:
                high = (low + high) / 2


def arguments(about: str | None) -> ArgumentParser:
    """A parser of what all these benchmarks understand."""
    parser = ArgumentParser(description=about)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15, help="of each run, the warm ones included")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wait", choices=["passive", "active"], default="passive",
                        help="OMP_WAIT_POLICY of both sides; the platform sets passive, OpenMP's default spins")
    parser.add_argument("--keep", type=Path, help="a file that pairs are added to, so that a case can be measured in parts")
    parser.add_argument("--side", choices=["ours", "theirs"], help=SUPPRESS)
    parser.add_argument("--folder", type=Path, help=SUPPRESS)
    return parser


Side = Callable[[Path, Namespace], Took]


def main(parser: ArgumentParser, *, prepare: Callable[[Path, Namespace], None], ours: Side, theirs: Side,
         free: Callable[[Namespace], bool] = lambda _: False) -> None:
    """Runs pairs and prints them; in a child, one side of one. `free`: whether steps may differ in how many tokens they train."""
    asked = parser.parse_args()
    if asked.side:
        _answer(ours if asked.side == "ours" else theirs, asked)
        return
    with tempfile.TemporaryDirectory() as made, ExitStack() as both:
        prepare(Path(made), asked)
        sides = [both.enter_context(_child(side, Path(made), asked)) for side in ("ours", "theirs")]
        pairs = _kept(asked.keep)
        for _ in range(asked.pairs):
            pair = sides[0](), sides[1]()
            if not free(asked) and abs(pair[0].trained - pair[1].trained) > 0.02 * pair[1].trained:
                raise SystemExit(f"Not comparable: {pair[0].trained:.0f} and {pair[1].trained:.0f} trained tokens a step.")
            pairs.append(pair)
            print("  ".join(f"{name} {1e3 * took.wall:.0f} ms (elsewhere {took.elsewhere:.2f})"
                            for name, took in zip(("ours", "TRL"), pair, strict=True)), file=sys.stderr, flush=True)
            if asked.keep:
                with asked.keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([asdict(side) for side in pair]) + "\n")
    print(compared(pairs))


MARK = "TOOK "


def _answer(run: Side, asked: Namespace) -> None:
    """A child: for every folder on standard input one run, and what it took on standard output."""
    import torch

    torch.set_num_threads(asked.threads)
    for line in sys.stdin:
        print(MARK + json.dumps(asdict(run(Path(line.strip()), asked))), flush=True)


@contextmanager
def _child(side: str, folder: Path, asked: Namespace) -> Iterator[Callable[[], Took]]:
    """One side's process; each call is a run in a folder of its own. Raises SystemExit with what it said when it fails."""
    with (folder / f"{side}.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, *sys.orig_argv[1:], "--side", side], stdin=subprocess.PIPE, stderr=log,
                                   stdout=subprocess.PIPE, text=True, env=environment(asked))
        assert process.stdin is not None
        assert process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def run() -> Took:
            asks.write(f"{tempfile.mkdtemp(dir=folder)}\n")
            asks.flush()
            for line in answers:
                if line.startswith(MARK):
                    return Took(**json.loads(line.removeprefix(MARK)))
            log.seek(0)
            raise SystemExit(f"{side} failed:\n{log.read()[-4000:]}")

        try:
            yield run
        finally:
            process.kill()
            process.wait()


def environment(asked: Namespace) -> dict[str, str]:
    """The same for both sides."""
    return os.environ | {"OMP_NUM_THREADS": str(asked.threads), "OMP_WAIT_POLICY": asked.wait,
                         "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform"), os.environ.get("PYTHONPATH", "")])}


def _kept(place: Path | None) -> list[tuple[Took, Took]]:
    if place is None or not place.exists():
        return []
    rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    return [(Took(**ours), Took(**theirs)) for ours, theirs in rows]


def compared(pairs: Sequence[tuple[Took, Took]]) -> str:
    """Our medians beside TRL's, and the ratio of each pair: its median and range."""
    quiet = [pair for pair in pairs if max(took.elsewhere for took in pair) < QUIET]
    counted = quiet or pairs
    among = f"{len(quiet)} quiet pairs of {len(pairs)}{'' if quiet else ', so all count'}"
    lines = [f"{among}; ratios ours / TRL: median (least..most)"]
    for title, unit, scale, name in (("step, wall", "ms", 1e3, "wall"), ("step, processor", "ms", 1e3, "processor"),
                                     ("tokens a second", "", 1.0, "tokens"), ("peak memory", "MiB", 2.0**-20, "peak"),
                                     ("trained in a step", "", 1.0, "trained")):
        mine, theirs = ([scale * getattr(took[side], name) for took in counted] for side in (0, 1))
        ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
        lines.append(f"  {title:17} ours {statistics.median(mine):9,.1f} {unit:3}  TRL {statistics.median(theirs):9,.1f} {unit:3}"
                     f"  ratio {spread(ratios)}")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f})"
