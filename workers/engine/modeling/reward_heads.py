"""What a reward model's numbers mean, written into its config.json, so that whoever asks the model reads them rightly.

`reward_objective` is what the head was fitted to. A model that does not say was made elsewhere, and is taken for whatever it
is asked as. Every kind stays a sequence classifier that transformers loads.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from workers.contract.run_spec import ModelRef
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import declared_document

Objective = Literal["preference", "outcome", "process", "regression"]

WORDS: dict[Objective, str] = {
    "preference": "scores that order answers",
    "outcome": "log-odds that an answer is right",
    "process": "log-odds, at the end of each step, that the step is right",
    "regression": "grades of answers",
}


@dataclass(frozen=True)
class RewardHead:
    """`objective` None: the model does not say. `heads` are its labels; `separator` ends the steps of a process model."""

    objective: Objective | None
    heads: int
    separator: str


def head_of(path: str) -> RewardHead:
    """What the reward model at `path` says of its head. Raises ModelFault when there is no model."""
    said = declared_document(path)
    labels = said.get("id2label")
    objective = said.get("reward_objective")
    return RewardHead(cast(Objective, objective) if objective in WORDS else None,
                      len(labels) if isinstance(labels, dict) else int(said.get("num_labels", 1)),
                      str(said.get("step_separator") or "\n"))


def declaration(objective: Objective, **more: Any) -> dict[str, Any]:
    """What a model's config says of its head."""
    return {"reward_objective": objective} | more


def check_head(ref: ModelRef, wanted: Collection[Objective], *, several: bool, remedy: str) -> RewardHead:
    """The model's head. Raises ConfigFault unless it means one of `wanted`, or nothing said, with one number or `several`."""
    head, name = head_of(ref.path), ref.name or Path(ref.path).name
    if head.objective is not None and head.objective not in wanted:
        raise ConfigFault(f"{name} gives {WORDS[head.objective]}, which is not what this term reads.", remedy)
    if (head.heads > 1) != several:
        counted = f"{head.heads} numbers" if head.heads > 1 else "one number"
        raise ConfigFault(f"{name} gives {counted} for a text, and this term reads {'several' if several else 'one'}.", remedy)
    return head
