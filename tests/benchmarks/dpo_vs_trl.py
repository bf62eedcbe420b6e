"""Ours / TRL: median DPO step on the same model, pairs and lengths, alternating; the reference cached on our side.

    python -m tests.benchmarks.dpo_vs_trl [--pairs 5] [--steps 13] [--sizes 1M 10M] [--precomputed]

Both train a fresh model on 8 pairs of 32 + 64 tokens in float32 with AdamW and clipping, logging every step. Ours meets the
same pairs again from the second step on, so that the reference's log-probs come from the cache, as in every epoch but the
first; TRL runs its reference each step unless --precomputed gives it the same (its pass beforehand is not counted).
Nothing is asserted: the machine's other work decides the clock. Give it an idle machine.
"""

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from tests.benchmarks.step_clocks import OurClock, TheirClock, Took, compared
from tests.engine.builders import curve, dataset, spec, train
from workers.contract.records import RecordKind
from workers.engine.modeling.tiny_model import make_model, make_tokenizer

SHAPES = {"1M": {"width": 128, "layers": 4, "inner": 448, "heads": 4},
          "10M": {"width": 320, "layers": 8, "inner": 864, "heads": 8}}
BATCH, PROMPT, ANSWER, WARM = 8, 32, 64, 3


def pair(draw: random.Random) -> dict[str, str]:
    """Texts of as many bytes as leave room for the template's four marks before the answer and the end token after it."""
    prompt, chosen, rejected = ("".join(draw.choices("abcdefgh ", k=count)) for count in (PROMPT - 4, ANSWER - 1, ANSWER - 1))
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def ours(model: Path, folder: Path, steps: int) -> Took:
    """A step, the reference cached."""
    rows = [pair(random.Random(index)) for index in range(BATCH)]
    data = dataset(folder / "data", rows, kind=RecordKind.PREFERENCE)
    given = spec(folder / "run", model=model, data=data, method="dpo", max_steps=steps, per_device_train_batch_size=BATCH,
                 max_length=PROMPT + ANSWER, save_steps=0)
    given.resources.threads = torch.get_num_threads()
    clock = OurClock()
    tokens = curve(train(given, clock), "num_tokens")
    assert tokens[2] - tokens[1] == 2 * BATCH * ANSWER, "the rows must train as many tokens as TRL's"
    return clock.ends.took(WARM)


def theirs(model: Path, folder: Path, steps: int, *, precomputed: bool) -> Took:
    """TRL's step on texts of the same lengths in tokens."""
    made = [pair(random.Random(index)) for index in range(BATCH * steps)]
    rows = [{"prompt": row["prompt"] + "####", "chosen": row["chosen"], "rejected": row["rejected"]} for row in made]
    tokenizer, clock = make_tokenizer(), TheirClock()
    tokenizer.chat_template = None
    config = DPOConfig(output_dir=str(folder / "trl"), per_device_train_batch_size=BATCH, max_steps=steps, logging_steps=1,
                       report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, save_strategy="no",
                       disable_tqdm=True, max_length=PROMPT + ANSWER, learning_rate=1e-5,
                       precompute_ref_log_probs=precomputed)
    trainer = DPOTrainer(str(model), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
                         callbacks=[clock])
    first: Any = next(iter(trainer.train_dataset or []))
    assert len(first["prompt_ids"]) == PROMPT, len(first["prompt_ids"])
    assert len(first["chosen_ids"]) == ANSWER, len(first["chosen_ids"])
    trainer.train()
    return clock.ends.took(WARM - 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--precomputed", action="store_true", help="TRL's reference log-probs computed beforehand")
    asked = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            model = Path(scratch) / "model"
            make_model(0, **SHAPES[size]).save_pretrained(model)
            make_tokenizer().save_pretrained(model)
            pairs = [(ours(model, Path(scratch) / f"a{index}", asked.steps),
                      theirs(model, Path(scratch) / f"b{index}", asked.steps, precomputed=asked.precomputed))
                     for index in range(asked.pairs)]
        print(compared(size, pairs))


if __name__ == "__main__":
    main()
