"""GRPO beside TRL, on the same prompts: step time, tokens a second and peak memory.

    python -m tests.benchmarks.grpo_vs_trl [--size 1M|10M] [--case full|free] [--prompt 32] [--completion 64] [--vocabulary 1024]

4 prompts x 8 answers a step, float32, β 0. full: no answer ends before its last token, so both write and train as many
tokens. free: each token ends the answer with a chance of 1 in 32, which spreads the lengths; tokens a second count.
See `beside_trl` for how runs alternate, and for --pairs, --steps, --threads, --wait and --keep.
"""

import json
import statistics
from argparse import Namespace
from pathlib import Path
from typing import Any

from tests.benchmarks import beside_trl
from tests.benchmarks.beside_trl import WARM, Took

GROUP, PROMPTS = 8, 4
END_CHANCE = 1 / 32


def prepare(folder: Path, asked: Namespace) -> None:
    """A model that ends its answers as the case says, and prompts of equal length."""
    beside_trl.make_model(folder / "model", asked.size, vocabulary=asked.vocabulary,
                          ends=0 if asked.case == "full" else END_CHANCE)
    texts = ["".join(chr(97 + (row * 7 + i * i) % 26) for i in range(asked.prompt)) for row in range(256)]
    rows = [{"prompt": text, "answer": "a"} for text in texts]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def ours(folder: Path, asked: Namespace) -> Took:
    from tests.engine.builders import curve, spec
    from workers.contract.records import RecordKind
    from workers.contract.run_spec import DatasetRef, RewardPipeline

    given = spec(folder / "run", model=folder.parent / "model", method="grpo", max_steps=asked.steps, save_steps=0,
                 data=DatasetRef(path=str(folder.parent), kind=RecordKind.PROMPT_ANSWER), max_length=1024,
                 prompts_per_step=PROMPTS, num_generations=GROUP, per_device_train_batch_size=PROMPTS * GROUP,
                 max_completion_length=asked.completion, learning_rate=1e-6, reduction="token_mean", rollout_steps=0)
    given.resources.threads = asked.threads
    given = given.model_copy(update={"reward": RewardPipeline.model_validate(
        {"terms": [{"name": "vowel", "kind": "regex_match", "params": {"pattern": "[aeiou]"}}]})})
    ends, found = beside_trl.our_run(given)
    lengths = list(curve(found, "completions/mean_length").values())[WARM:-1]
    return ends.took(WARM, statistics.mean(lengths) * PROMPTS * GROUP)


def theirs(folder: Path, asked: Namespace) -> Took:
    """TRL needs no reference at β 0, and no old log-probs on policy."""
    from datasets import Dataset
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    def vowels(completions: list[str], **_: Any) -> list[float | None]:
        return [float(any(letter in "aeiou" for letter in text)) for text in completions]

    rows = [json.loads(line) for line in (folder.parent / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    ends, clock = beside_trl.their_clock()
    config = GRPOConfig(**beside_trl.their_settings(folder, asked.steps), per_device_train_batch_size=PROMPTS * GROUP,
                        num_generations=GROUP, max_completion_length=asked.completion, beta=0.0, learning_rate=1e-6,
                        loss_type="dapo")
    trainer = GRPOTrainer(model=str(folder.parent / "model"), reward_funcs=vowels, args=config,
                          train_dataset=Dataset.from_list([{"prompt": row["prompt"]} for row in rows]), callbacks=[clock])
    trainer.train()
    lengths = [entry["completions/mean_length"] for entry in trainer.state.log_history if "completions/mean_length" in entry]
    return ends.took(WARM - 1, statistics.mean(lengths[WARM:]) * PROMPTS * GROUP)


if __name__ == "__main__":
    parser = beside_trl.arguments(__doc__)
    parser.add_argument("--size", choices=sorted(beside_trl.SHAPES), default="1M")
    parser.add_argument("--case", choices=["full", "free"], default="full")
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--completion", type=int, default=64)
    parser.add_argument("--vocabulary", type=int, default=beside_trl.VOCABULARY)
    beside_trl.main(parser, prepare=prepare, ours=ours, theirs=theirs, free=lambda asked: asked.case == "free")
