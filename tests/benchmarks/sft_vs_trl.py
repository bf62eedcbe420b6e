"""SFT beside TRL, on the same rows in the same batches.

    python -m tests.benchmarks.sft_vs_trl [--size 1M|10M] [--case equal|spread] [--precision float32|bfloat16|pure]

equal: 8 sequences of 32 + 64 tokens a step. spread: 16 of 32 + 8 to 64, where the rate counts real tokens, not padding.
bfloat16 is mixed precision on both sides; pure lets TRL hold the weights themselves in bfloat16, which learns differently.
See `beside_trl` for how runs alternate, and for --pairs, --steps, --threads, --wait and --keep.
"""

import json
import random
import statistics
from argparse import Namespace
from pathlib import Path
from typing import Any

from tests.benchmarks import beside_trl
from tests.benchmarks.beside_trl import WARM, Took

PROMPT, LONGEST, SHORTEST = 32, 64, 8


def batch(asked: Namespace) -> int:
    return 8 if asked.case == "equal" else 16


def prepare(folder: Path, asked: Namespace) -> None:
    """Texts of as many bytes as leave room for the template's four marks before the answer and the end token after it."""
    beside_trl.make_model(folder / "model", asked.size)
    draw = random.Random(0)
    rows = []
    for _ in range(batch(asked) * asked.steps):
        answer = LONGEST if asked.case == "equal" else draw.randint(SHORTEST, LONGEST)
        prompt, completion = ("".join(draw.choices("abcdefgh ", k=count)) for count in (PROMPT - 4, answer - 1))
        rows.append({"prompt": prompt, "completion": completion})
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def ours(folder: Path, asked: Namespace) -> Took:
    from tests.engine.builders import curve, spec
    from workers.contract.records import RecordKind
    from workers.contract.run_spec import DatasetRef

    data = DatasetRef(path=str(folder.parent), kind=RecordKind.DEMONSTRATION)
    given = spec(folder / "run", model=folder.parent / "model", data=data, max_steps=asked.steps, save_steps=0,
                 per_device_train_batch_size=batch(asked), max_length=PROMPT + LONGEST, learning_rate=1e-4)
    given.resources.threads = asked.threads
    given.resources.precision = "float32" if asked.precision == "float32" else "bfloat16"
    ends, found = beside_trl.our_run(given)
    trained = curve(found, "num_tokens")[asked.steps] / asked.steps
    return ends.took(WARM, trained, read=trained + batch(asked) * PROMPT)


def theirs(folder: Path, asked: Namespace) -> Took:
    """TRL gets the ids that our renderer makes of the rows."""
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from workers.engine.modeling.tiny_model import make_tokenizer

    tokenizer, rows = make_tokenizer(), list[dict[str, Any]]()
    for line in (folder.parent / "train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        told = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
        ids: Any = tokenizer.apply_chat_template(told, return_dict=False)
        rows.append({"input_ids": ids, "completion_mask": [0] * PROMPT + [1] * (len(ids) - PROMPT)})
    ends, clock = beside_trl.their_clock()
    config = SFTConfig(**beside_trl.their_settings(folder, asked.steps, bf16=asked.precision == "bfloat16"),
                       per_device_train_batch_size=batch(asked), max_length=PROMPT + LONGEST, learning_rate=1e-4,
                       model_init_kwargs={"dtype": "bfloat16" if asked.precision == "pure" else "float32"})
    SFTTrainer(str(folder.parent / "model"), args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
               callbacks=[clock]).train()
    trained = batch(asked) * statistics.mean(sum(row["completion_mask"]) for row in rows)
    return ends.took(WARM - 1, trained, read=trained + batch(asked) * PROMPT)


if __name__ == "__main__":
    parser = beside_trl.arguments(__doc__)
    parser.add_argument("--size", choices=sorted(beside_trl.SHAPES), default="1M")
    parser.add_argument("--case", choices=["equal", "spread"], default="equal")
    parser.add_argument("--precision", choices=["float32", "bfloat16", "pure"], default="float32")
    beside_trl.main(parser, prepare=prepare, ours=ours, theirs=theirs)
