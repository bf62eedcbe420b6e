"""What tests of methods that learn from their own answers are made of: specs, answers as samples, a turn to call them in."""

from pathlib import Path
from typing import Any

import torch

from tests.engine.builders import dataset, spec, sums
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, RewardPipeline, RunSpec
from workers.engine.composition import Turn
from workers.engine.sample import Rollout, Sample
from workers.engine.training.tally import Tally

SEVENS = {"terms": [{"name": "sevens", "kind": "regex_match", "params": {"pattern": "[0-9a-m]"}},
                    {"name": "short", "kind": "length", "weight": 0.1, "params": {"mode": "penalty", "limit": 6}}]}
EXACT = {"terms": [{"name": "exact", "kind": "exact_match"}]}


def prompts(folder: Path, count: int = 24, split: str = "train") -> DatasetRef:
    rows = [{"prompt": row["prompt"], "answer": row["completion"]} for row in sums(count, seed=len(split))]
    return dataset(folder / "prompts", rows, kind=RecordKind.PROMPT_ANSWER, split=split)


def given(folder: Path, model: Path, *, reward: dict[str, Any] | None = SEVENS, data: DatasetRef | None = None,
          name: str = "run", held_out: DatasetRef | None = None, method: str = "grpo", **config: Any) -> RunSpec:
    defaults = {"prompts_per_step": 3, "num_generations": 4, "max_completion_length": 6, "max_steps": 4, "eval_max_new_tokens": 6,
                "learning_rate": 1e-3, "per_device_train_batch_size": 64, "rollout_steps": 2, "rollout_prompts": 2,
                "save_steps": 2}
    made = spec(folder / name, model=model, data=data or prompts(folder), held_out=held_out, method=method, **(defaults | config))
    if method == "trpo":
        del made.config["learning_rate"]
    return made.model_copy(update={"reward": None if reward is None else RewardPipeline.model_validate(reward)})


def sample(length: int, group: int, reward: float | None, *, seed: int) -> Sample:
    """An answer of `length` tokens to a prompt of three."""
    ids = torch.randint(7, 260, (3 + length,), generator=torch.Generator().manual_seed(seed))
    rollout = Rollout(ids[:3], ids[3:], torch.full((length,), -1.0), ended=True)
    return rollout.sample(group=group, reward=reward)


def turn(model: Any, **live: float) -> Turn:
    return Turn(step=1, models={"policy": model}, data={}, tokenizer=None, live={"temperature": 1.0} | live, tally=Tally(),
                stores={}, wants_rollouts=False, show=lambda event: None, say=lambda doing: None)
