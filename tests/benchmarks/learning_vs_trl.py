"""Whether ours learns as well as TRL: several seeds of each on one task from one start, measured alike on held-out rows.

    python -m tests.benchmarks.learning_vs_trl [--methods sft dpo grpo] [--seeds 5]

The 1M model and sums, equal steps, batches, rates and optimizer. SFT: from fresh weights, the held-out loss. DPO and GRPO begin
with a model taught on one-digit sums of which six in ten are wrong: DPO's held-out loss on right over wrong answers; for GRPO,
rewarded by exact match, the chance that it writes the right answer. Prints each seed, means, ranges, and whether our mean is
at least as good as the worst of TRL's seeds, which is what its own spread allows.
"""

import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from tests.benchmarks import beside_trl

RIGHT_SHARE = 0.4
SETTINGS: dict[str, dict[str, Any]] = {
    "sft": {"max_steps": 250, "batch": 32, "learning_rate": 1e-3},
    "dpo": {"max_steps": 60, "batch": 16, "learning_rate": 1e-4},
    "grpo": {"max_steps": 40, "batch": 128, "learning_rate": 2e-4},
}
GROUP, LONGEST_ANSWER, LONGEST = 8, 4, 32
BETTER = {"sft": "less", "dpo": "less", "grpo": "more"}


def digits(count: int, seed: int) -> list[dict[str, str]]:
    """One-digit sums with the right answer and a wrong one near it."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        a, b = draw.randint(0, 9), draw.randint(0, 9)
        rows.append({"prompt": f"{a}+{b}=", "chosen": str(a + b), "rejected": str(a + b + draw.choice([1, 2, 3]))})
    return rows


def write(folder: Path, split: str, rows: list[dict[str, Any]]) -> None:
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def prepare(folder: Path, method: str, seeds: int) -> None:
    """Rows of the method, and the model that all its runs begin with (SFT's begin with fresh ones, a seed each)."""
    from tests.engine.builders import sums

    if method == "sft":
        write(folder, "train", sums(8000, seed=1))
        write(folder, "test", sums(500, seed=2))
        for seed in range(seeds):
            fresh(folder / f"model-{seed}", seed)
        return
    rows, draw = digits(4000, seed=1), random.Random(3)
    write(folder, "taught", [{"prompt": row["prompt"], "completion": row["chosen" if draw.random() < RIGHT_SHARE else "rejected"]}
                             for row in rows])
    kept = digits(2000, seed=4)
    prompts = [{"prompt": row["prompt"], "answer": row["chosen"]} for row in kept]
    write(folder, "train", kept if method == "dpo" else prompts)
    write(folder, "test", digits(200, seed=5))
    fresh(folder / "fresh", 0)
    our_training(folder, folder / "warm-up", folder / "fresh", 0, method="sft", split="taught")
    (folder / "warm-up" / "final").rename(folder / "model-0")
    for seed in range(1, seeds):
        (folder / f"model-{seed}").symlink_to(folder / "model-0")


def fresh(place: Path, seed: int) -> None:
    from workers.engine.modeling import tiny_model

    tiny_model.make_tiny(place, seed)


def our_training(folder: Path, out: Path, model: Path, seed: int, *, method: str, split: str = "train") -> None:
    """Leaves the trained model in `out`/final."""
    from tests.engine.builders import spec, train
    from workers.contract.records import RecordKind
    from workers.contract.run_spec import DatasetRef, RewardPipeline

    slug, kind = {"sft": ("sft-instruct", RecordKind.DEMONSTRATION), "dpo": ("dpo", RecordKind.PREFERENCE),
                  "grpo": ("grpo", RecordKind.PROMPT_ANSWER)}[method]
    chosen = dict(SETTINGS[method])
    batch = chosen.pop("batch")
    own = {"sft": {}, "dpo": {"beta": 0.1}, "grpo": {
        "prompts_per_step": batch // GROUP, "num_generations": GROUP, "max_completion_length": LONGEST_ANSWER,
        "rollout_steps": 0, "reduction": "token_mean"}}[method]
    given = spec(out, model=model, data=DatasetRef(path=str(folder), split=split, kind=kind), method=slug, seed=seed,
                 save_steps=0, per_device_train_batch_size=batch, max_length=LONGEST, lr_scheduler_type="constant",
                 warmup_ratio=0.0, **chosen, **own)
    given.resources.threads = 2
    if method == "grpo":
        given = given.model_copy(update={"reward": RewardPipeline.model_validate(
            {"terms": [{"name": "exact", "kind": "exact_match"}]})})
    train(given)


def their_training(folder: Path, out: Path, model: Path, seed: int, *, method: str) -> None:
    """The same by TRL, with the same template over the same rows."""
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    rows, chosen = read(folder, "train"), dict(SETTINGS[method])
    shared: dict[str, Any] = beside_trl.their_settings(out, chosen.pop("max_steps")) | {
        "per_device_train_batch_size": chosen.pop("batch"), "lr_scheduler_type": "constant", "seed": seed, **chosen}
    asked = [[{"role": "user", "content": row["prompt"]}] for row in rows]

    def said(name: str) -> list[list[dict[str, str]]]:
        return [[{"role": "assistant", "content": row[name]}] for row in rows]

    def exact(completions: list[Any], answer: list[str], **_: Any) -> list[float | None]:
        return [float(told[0]["content"].strip() == right) for told, right in zip(completions, answer, strict=True)]

    trainer: Any
    if method == "sft":
        data = Dataset.from_dict({"input_ids": [ids for ids, _ in taught(rows, "completion")],
                                  "completion_mask": [mask for _, mask in taught(rows, "completion")]})
        trainer = SFTTrainer(str(model), args=SFTConfig(**shared, max_length=LONGEST), train_dataset=data)
    elif method == "dpo":
        data = Dataset.from_dict({"prompt": asked, "chosen": said("chosen"), "rejected": said("rejected")})
        trainer = DPOTrainer(str(model), args=DPOConfig(**shared, max_length=LONGEST, beta=0.1), train_dataset=data)
    else:
        data = Dataset.from_dict({"prompt": asked, "answer": [row["answer"] for row in rows]})
        trainer = GRPOTrainer(str(model), reward_funcs=exact, train_dataset=data, args=GRPOConfig(
            **shared, num_generations=GROUP, max_completion_length=LONGEST_ANSWER, beta=0.0, loss_type="dapo"))
    trainer.train()
    trainer.save_model(str(out / "final"))


def taught(rows: list[dict[str, Any]], answer: str) -> list[tuple[list[int], list[int]]]:
    """Ids of the rows by the tiny model's template, and 1 where the assistant wrote."""
    from workers.engine.modeling.tiny_model import make_tokenizer

    tokenizer, found = make_tokenizer(), list[tuple[list[int], list[int]]]()
    for row in rows:
        told = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row[answer]}]
        ids: Any = tokenizer.apply_chat_template(told, return_dict=False)
        prompt = len(tokenizer.apply_chat_template(told[:1], add_generation_prompt=True, return_dict=False))
        found.append((ids, [0] * prompt + [1] * (len(ids) - prompt)))
    return found


def log_probs(model: Path, rows: list[dict[str, Any]], answer: str) -> tuple[list[float], int]:
    """Each answer's log-prob by plain transformers, and how many tokens all have."""
    import torch
    from transformers import AutoModelForCausalLM

    network, found, count = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval(), [], 0
    with torch.no_grad():
        for ids, mask in taught(rows, answer):
            logs = network(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
            own = logs.gather(-1, torch.tensor(ids[1:])[:, None]).squeeze(-1) * torch.tensor(mask[1:])
            found.append(float(own.sum()))
            count += sum(mask)
    return found, count


def measure(folder: Path, model: Path, method: str) -> float:
    rows = read(folder, "test")
    if method == "sft":
        logs, count = log_probs(model, rows, "completion")
        return -sum(logs) / count
    if method == "grpo":
        return statistics.mean(map(math.exp, log_probs(model, rows, "chosen")[0]))
    margins = []
    for of in (model, folder / "model-0"):
        chosen, rejected = (log_probs(of, rows, side)[0] for side in ("chosen", "rejected"))
        margins.append([one - other for one, other in zip(chosen, rejected, strict=True)])
    return statistics.mean(math.log1p(math.exp(-0.1 * (own - before))) for own, before in zip(*margins, strict=True))


def side(asked: Namespace, method: str) -> None:
    """All seeds of one side; prints what each reached."""
    import torch

    torch.set_num_threads(2)
    reached = []
    for seed in range(asked.seeds):
        out, model = asked.folder / f"{asked.side}-{seed}", asked.folder / f"model-{seed}"
        (our_training if asked.side == "ours" else their_training)(asked.folder, out, model, seed, method=method)
        reached.append(measure(asked.folder, out / "final", method))
    print(json.dumps({"reached": reached, "before": measure(asked.folder, asked.folder / "model-0", method)}))


def compare(asked: Namespace, method: str) -> None:
    """Trains all seeds of both sides, each side in a process, and prints what they reached."""
    found = {}
    with tempfile.TemporaryDirectory() as made:
        prepare(Path(made), method, asked.seeds)
        for name in ("ours", "theirs"):
            one = ["--side", name, "--folder", made, "--methods", method]
            done = subprocess.run([sys.executable, *sys.orig_argv[1:], *one], check=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True, env=beside_trl.environment(asked))
            found[name] = json.loads(done.stdout.strip().splitlines()[-1])
            values = found[name]["reached"]
            print(f"{method} {name}: before {found[name]['before']:.4f}, after {statistics.mean(values):.4f} "
                  f"({min(values):.4f}..{max(values):.4f}), deviation {statistics.stdev(values):.4f}; "
                  + " ".join(f"{value:.4f}" for value in values), flush=True)
    mean, peer = statistics.mean(found["ours"]["reached"]), found["theirs"]["reached"]
    well = mean <= max(peer) if BETTER[method] == "less" else mean >= min(peer)
    print(f"{method}: ours is {'within the spread of TRL, or better' if well else 'WORSE than every seed of TRL'}", flush=True)


def main() -> None:
    parser = beside_trl.arguments(__doc__)
    parser.add_argument("--methods", nargs="+", choices=sorted(SETTINGS), default=sorted(SETTINGS))
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    for method in asked.methods:
        if asked.side:
            side(asked, method)
        else:
            compare(asked, method)


if __name__ == "__main__":
    main()
