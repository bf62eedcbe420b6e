"""A short run of every method that learns from texts, from its own or from a teacher's: data, models, config."""

from pathlib import Path
from typing import Any

from tests.engine.builders import dataset, small_model, spec, sum_pairs, sums
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, RewardPipeline, RunSpec
from workers.engine.worlds.arithmetic import worked_out

LIKED = {"terms": [{"name": "liked", "kind": "regex_match", "params": {"pattern": "[0-9a-z]"}}]}
WRITES = {"max_completion_length": 6, "rollout_steps": 2, "rollout_prompts": 2, "eval_max_new_tokens": 6}
OWN = WRITES | {"prompts_per_step": 3, "num_generations": 4, "per_device_train_batch_size": 64}


def rationales(count: int, seed: int = 0) -> list[dict[str, Any]]:
    found = []
    for row in sums(count, seed):
        lines = worked_out(*map(int, row["prompt"].rstrip("=").split("+")))
        extra = {"rationale": "\n".join(lines[:-1]), "answer": lines[-1]}
        found.append({"prompt": row["prompt"], "completion": "\n".join(lines), "extra": extra})
    return found


def texts(count: int, seed: int = 0) -> list[dict[str, Any]]:
    return [{"text": row["prompt"] + row["completion"]} for row in sums(count, seed)]


ROWS: dict[str, tuple[Any, RecordKind]] = {
    "sft-cot": (rationales, RecordKind.DEMONSTRATION), "kd-cot": (rationales, RecordKind.DEMONSTRATION),
    "rag-ft": (rationales, RecordKind.DEMONSTRATION),
    "sft-domain": (texts, RecordKind.TEXT), "sft-preference": (sum_pairs, RecordKind.PREFERENCE)}
SHORT = {"eval_max_new_tokens": 4}
CONFIG: dict[str, dict[str, Any]] = {
    "sft-preference": {"objective": "unlikelihood"}, "sft-cot": SHORT, "kd-cot": SHORT, "sft-domain": SHORT, "kd-gkd": WRITES,
    "rag-ft": SHORT | {"documents_columns": "rationale", "distractors": 1},
    "kd-minillm": WRITES | {"prompts_per_step": 4}, "kd-seq": OWN, "rft": OWN}
METHODS = ("sft-cot", "sft-domain", "sft-preference", "rag-ft", "kd-cot", "kd-logit", "kd-gkd", "kd-minillm", "kd-seq", "rft")


def rows_of(method: str, folder: Path, split: str, count: int = 12) -> DatasetRef:
    rows, kind = ROWS.get(method, (sums, RecordKind.DEMONSTRATION))
    return dataset(folder / f"{method}-data", rows(count, seed=len(split)), kind=kind, split=split)


def given(folder: Path, model: Path, method: str, *, name: str = "run", teacher: Path | None = None, **config: Any) -> RunSpec:
    """A run with held-out rows, a reward where the method wants one and, for distillation, a teacher of other weights."""
    made = spec(folder / name, model=model, data=rows_of(method, folder, "train"), held_out=rows_of(method, folder, "eval", 5),
                method=method, **(CONFIG.get(method, {}) | config))
    if method in {"kd-logit", "kd-gkd", "kd-minillm", "kd-seq"}:
        made.models["teacher"] = ModelRef(path=str(teacher or small_model(folder / "teacher", seed=5)))
    if method == "sft-domain":
        made.datasets |= {role: dataset(folder / role, sums(6, seed=index), split="train")
                          for index, role in enumerate(("task", "replay", "general"))}
    if method == "rft":
        made = made.model_copy(update={"reward": RewardPipeline.model_validate(LIKED)})
    return made
