"""Ours / TRL: median SFT step on the same model, batch and lengths, alternating; and what telemetry adds to a step.

    python -m tests.benchmarks.sft_vs_trl [--pairs 5] [--steps 15]

Both train a fresh model on 8 sequences of 32 + 64 tokens in float32 with AdamW and clipping, logging every step.
Nothing is asserted: the machine's other work decides the clock. Give it an idle machine.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from tests.benchmarks.step_clocks import OurClock, TheirClock, Took, compared
from tests.engine.builders import dataset, spec, train
from workers.contract.events import MetricsEvent, ProgressEvent
from workers.contract.records import RecordKind
from workers.engine.events import EventLog
from workers.engine.modeling.tiny_model import make_model, make_tokenizer

SHAPES = {"1M": {"width": 128, "layers": 4, "inner": 448, "heads": 4},
          "10M": {"width": 320, "layers": 8, "inner": 864, "heads": 8}}
BATCH, PROMPT, ANSWER, WARM = 8, 32, 64, 3


def ours(model: Path, folder: Path, steps: int) -> Took:
    """A step; the text's end token replaces its last byte, so lengths equal TRL's."""
    rows = [{"prompt": "p" * (PROMPT - 4), "completion": "c" * (ANSWER - 1)} for _ in range(BATCH)]
    given = spec(folder / "run", model=model, data=dataset(folder / "data", rows, kind=RecordKind.DEMONSTRATION), max_steps=steps,
                 per_device_train_batch_size=BATCH, max_length=PROMPT + ANSWER, save_steps=0)
    given.resources.threads = torch.get_num_threads()
    clock = OurClock()
    train(given, clock)
    return clock.ends.took(WARM)


def theirs(model: Path, folder: Path, steps: int) -> Took:
    """TRL's step on pre-tokenised rows of the same lengths."""
    rows = [{"input_ids": [9] * (PROMPT + ANSWER), "completion_mask": [0] * PROMPT + [1] * ANSWER} for _ in range(BATCH * steps)]
    clock = TheirClock()
    config = SFTConfig(output_dir=str(folder / "trl"), per_device_train_batch_size=BATCH, max_steps=steps, logging_steps=1,
                       report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, save_strategy="no",
                       disable_tqdm=True,
                       max_length=PROMPT + ANSWER, learning_rate=1e-3)
    SFTTrainer(str(model), args=config, train_dataset=Dataset.from_list(rows), processing_class=make_tokenizer(),
               callbacks=[clock]).train()
    return clock.ends.took(WARM - 1)


def telemetry_seconds() -> float:
    """Seconds that one step's two events cost."""
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        values: dict[str, float | None] = {f"metric/{index}": index / 7 for index in range(20)}
        started = time.perf_counter()
        for step in range(1000):
            log.write(MetricsEvent(step=step, values=values, tokens=step))
            log.write(ProgressEvent(step=step, total=1000, eta_seconds=1.0, tokens=step))
        return (time.perf_counter() - started) / 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    asked = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    print(f"telemetry: {telemetry_seconds() * 1e6:.0f} us a step (20 metrics and a progress event)")
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            model = Path(scratch) / "model"
            make_model(0, **SHAPES[size]).save_pretrained(model)
            make_tokenizer().save_pretrained(model)
            pairs = [(ours(model, Path(scratch) / f"a{index}", asked.steps),
                      theirs(model, Path(scratch) / f"b{index}", asked.steps)) for index in range(asked.pairs)]
        print(compared(size, pairs))


if __name__ == "__main__":
    main()
