"""DPO beside TRL, on the same pairs: a step, or whole epochs with all that comes before them.

    python -m tests.benchmarks.dpo_vs_trl [--size 1M|10M] [--precomputed] [--epochs 3]

8 pairs of 32 + 64 tokens a step, float32. Ours meets the same pairs again from the second step on, so that the reference's
log-probs come from its cache, as in every epoch but the first; TRL runs its reference each step unless --precomputed gives it
the same (its pass beforehand is not counted). With --epochs both pass so often over --steps batches, and what is compared is
the time from the start of the training, the making of the cache or of TRL's log-probs counted, to its end.
See `beside_trl` for how runs alternate, and for --pairs, --steps, --threads, --wait and --keep.
"""

import json
import random
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import beside_trl
from tests.benchmarks.beside_trl import WARM, Took

BATCH, PROMPT, ANSWER = 8, 32, 64


def prepare(folder: Path, asked: Namespace) -> None:
    """Texts of as many bytes as leave room for the template's four marks before the answer and the end token after it."""
    beside_trl.make_model(folder / "model", asked.size)
    draw = random.Random(0)
    parts = {"prompt": PROMPT - 4, "chosen": ANSWER - 1, "rejected": ANSWER - 1}
    rows = [{name: "".join(draw.choices("abcdefgh ", k=count)) for name, count in parts.items()}
            for _ in range(BATCH * asked.steps)]
    for split, kept in (("train", rows), ("first", rows[:BATCH])):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


def ours(folder: Path, asked: Namespace) -> Took:
    from tests.engine.builders import curve, spec
    from workers.contract.records import RecordKind
    from workers.contract.run_spec import DatasetRef

    data = DatasetRef(path=str(folder.parent), split="train" if asked.epochs else "first", kind=RecordKind.PREFERENCE)
    steps = asked.steps * (asked.epochs or 1)
    given = spec(folder / "run", model=folder.parent / "model", data=data, method="dpo", max_steps=steps, save_steps=0,
                 per_device_train_batch_size=BATCH, max_length=PROMPT + ANSWER, learning_rate=1e-5)
    given.resources.threads = asked.threads
    ends, found = beside_trl.our_run(given)
    took = ends.took(WARM, curve(found, "num_tokens")[steps] / steps)
    # The clock ticks before each step: from the first to the last are all steps but one.
    return replace(took, wall=(ends.moments[-1][0] - ends.moments[0][0]) * steps / (steps - 1)) if asked.epochs else took


def theirs(folder: Path, asked: Namespace) -> Took:
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from workers.engine.modeling.tiny_model import make_tokenizer

    made = [json.loads(line) for line in (folder.parent / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row | {"prompt": row["prompt"] + "####"} for row in made]
    tokenizer, (ends, clock) = make_tokenizer(), beside_trl.their_clock()
    tokenizer.chat_template = None
    steps = asked.steps * (asked.epochs or 1)
    config = DPOConfig(**beside_trl.their_settings(folder, steps), per_device_train_batch_size=BATCH,
                       max_length=PROMPT + ANSWER, learning_rate=1e-5, precompute_ref_log_probs=asked.precomputed)
    began = time.perf_counter()
    trainer = DPOTrainer(str(folder.parent / "model"), args=config, train_dataset=Dataset.from_list(rows),
                         processing_class=tokenizer, callbacks=[clock])
    first: Any = next(iter(trainer.train_dataset or []))
    assert (len(first["prompt_ids"]), len(first["chosen_ids"])) == (PROMPT, ANSWER)
    trainer.train()
    took = ends.took(WARM - 1, 2 * BATCH * ANSWER)
    return replace(took, wall=ends.moments[-1][0] - began) if asked.epochs else took


if __name__ == "__main__":
    parser = beside_trl.arguments(__doc__)
    parser.add_argument("--size", choices=sorted(beside_trl.SHAPES), default="1M")
    parser.add_argument("--precomputed", action="store_true", help="TRL's reference log-probs computed beforehand")
    parser.add_argument("--epochs", type=int, default=0)
    beside_trl.main(parser, prepare=prepare, ours=ours, theirs=theirs)
