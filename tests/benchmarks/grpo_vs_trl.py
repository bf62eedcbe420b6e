"""GRPO step time, ours / TRL, alternating in one process tree on the same model, prompts, lengths and threads.

    python tests/benchmarks/grpo_vs_trl.py [--shape tiny|10m] [--pairs 5] [--steps 12] [--prompt 32] [--completion 64]

Every answer has the full length (no end token is ever drawn), so both train the same number of tokens in each step;
the comparison is refused when they do not. Prints each pair's ratio, then the median and the range. Run it alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

GROUP, PROMPTS = 8, 4
SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"width": 128, "layers": 4, "inner": 448, "heads": 4},
    "10m": {"width": 320, "layers": 8, "inner": 864, "heads": 5},
}


def prepare(folder: Path, asked: argparse.Namespace) -> None:
    """A model, a tokenizer whose end token lies beyond the model's vocabulary, and prompts of equal length."""
    from workers.engine.modeling.tiny_model import make_model, make_tokenizer

    vocabulary = 1024 if asked.shape == "10m" else 264
    model = make_model(0, vocabulary=vocabulary, **SHAPES[asked.shape])
    model.config.eos_token_id = model.generation_config.eos_token_id = None
    model.save_pretrained(folder / "model")
    tokenizer = make_tokenizer()
    tokenizer.add_tokens([f"<|{number}|>" for number in range(len(tokenizer), vocabulary + 1)])
    tokenizer.eos_token = f"<|{vocabulary}|>"
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder / "model")
    texts = ["".join(chr(97 + (row * 7 + i * i) % 26) for i in range(asked.prompt)) for row in range(256)]
    rows = [{"prompt": text, "answer": "a"} for text in texts]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def ours(folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Median seconds of a step and trained tokens of a step."""
    out = Path(tempfile.mkdtemp(dir=folder))
    spec = {
        "method": "grpo", "models": {"policy": {"path": str(folder / "model")}}, "output_dir": str(out),
        "datasets": {"train": {"path": str(folder), "kind": "prompt_answer"}}, "resources": {"threads": asked.threads},
        "reward": {"terms": [{"name": "length", "kind": "regex_match", "params": {"pattern": "[aeiou]"}}]},
        "config": {"prompts_per_step": PROMPTS, "num_generations": GROUP, "max_completion_length": asked.completion,
                   "max_steps": asked.steps, "save_steps": 0, "rollout_steps": 0, "per_device_train_batch_size": PROMPTS * GROUP,
                   "learning_rate": 1e-6, "reduction": "token_mean"},
    }
    (out / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "workers.engine", str(out / "spec.json")], check=True, stdin=subprocess.DEVNULL)
    events = [json.loads(line) for line in (out / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event["values"] for event in events if event["type"] == "metrics" and "step_time" in event["values"]]
    lengths = [values["completions/mean_length"] for values in steps]
    return statistics.median(values["step_time"] for values in steps[2:]), statistics.mean(lengths) * PROMPTS * GROUP


def theirs(folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """The same from TRL, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--peer", str(folder), *sys.argv[1:]], check=True, capture_output=True,
                          text=True, env=os.environ | {"OMP_NUM_THREADS": str(asked.threads)})
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found["seconds"], found["tokens"]


def peer(folder: Path, asked: argparse.Namespace) -> None:
    """TRL's trainer at its faster settings here: no gradient checkpointing, no reference at beta 0."""
    import time

    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    torch.set_num_threads(asked.threads)
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            ends.append(time.monotonic())

    def vowels(completions: list[str], **_: Any) -> list[float | None]:
        return [float(any(letter in "aeiou" for letter in text)) for text in completions]

    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    config = GRPOConfig(
        output_dir=str(folder / "trl"), per_device_train_batch_size=PROMPTS * GROUP, num_generations=GROUP, max_steps=asked.steps,
        max_completion_length=asked.completion, beta=0.0, learning_rate=1e-6, gradient_checkpointing=False, use_cpu=True,
        bf16=False, logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True, loss_type="dapo")
    trainer = GRPOTrainer(model=str(folder / "model"), reward_funcs=vowels, args=config,
                          train_dataset=Dataset.from_list([{"prompt": row["prompt"]} for row in rows]), callbacks=[Clock()])
    trainer.train()
    lengths = [entry["completions/mean_length"] for entry in trainer.state.log_history if "completions/mean_length" in entry]
    seconds = statistics.median(after - before for before, after in pairwise(ends[1:]))
    print(json.dumps({"seconds": seconds, "tokens": statistics.mean(lengths) * PROMPTS * GROUP}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="tiny")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--completion", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peer:
        peer(Path(asked.peer), asked)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder, asked)
        ratios = []
        for _ in range(asked.pairs):
            (mine, my_tokens), (other, other_tokens) = ours(folder, asked), theirs(folder, asked)
            if abs(my_tokens - other_tokens) > 0.02 * other_tokens:
                raise SystemExit(f"Not comparable: {my_tokens:.0f} and {other_tokens:.0f} trained tokens a step.")
            ratios.append(mine / other)
            print(f"ours {1000 * mine:.0f} ms  TRL {1000 * other:.0f} ms  ratio {ratios[-1]:.2f}  tokens {my_tokens:.0f}")
        print(f"median {statistics.median(ratios):.2f}  range {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
