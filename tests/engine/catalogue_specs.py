"""The smallest spec of each method that trains, made from its card: data of a kind it reads, its models, a reward, few steps."""

from pathlib import Path
from typing import Any

from tests.engine.builders import dataset
from workers.contract.catalogue import MethodCard
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import ModelKind, ModelRef, Resources, RewardPipeline, RunKind, RunSpec
from workers.engine import members
from workers.engine.method import PACKAGE, slugs
from workers.engine.worlds import arithmetic

FILES = {
    RecordKind.TEXT: "texts_train", RecordKind.DEMONSTRATION: "demonstrations", RecordKind.CONVERSATION: "conversations_train",
    RecordKind.PROMPT: "prompts_train", RecordKind.PROMPT_ANSWER: "prompts_train", RecordKind.PREFERENCE: "pairs_train",
    RecordKind.RANKING: "rankings_train", RecordKind.UNPAIRED: "marks_train", RecordKind.STEPWISE: "steps_train",
}
OWN_FILES = {"kd-cot": "rationales_train", "sft-cot": "rationales_train"}
SMALL = {
    "max_steps": 3, "learning_rate": 1e-3, "max_length": 64, "per_device_train_batch_size": 4, "save_steps": 1, "eval_steps": 0,
    "prompts_per_step": 2, "num_generations": 3, "updates_per_rollout": 2, "max_new_tokens": 5, "max_completion_length": 5,
    "rollout_steps": 2, "eval_max_new_tokens": 4, "warmup_ratio": 0.0, "report_limit": 4,
    "discriminator_first": 1, "continuations": 2,
}
REWARD = {"terms": [{"name": "letters", "kind": "regex_match", "params": {"pattern": "[0-9a-m]"}},
                    {"name": "short", "kind": "length", "weight": 0.1, "params": {"mode": "penalty", "limit": 4}}]}


def cards() -> dict[str, MethodCard]:
    """Every method that trains, by slug."""
    found = {slug: members.load(PACKAGE, slug.replace("-", "_")).CARD for slug in slugs()}
    return {slug: card for slug, card in found.items() if card.kind is RunKind.TRAIN}


def config_of(card: MethodCard, **changes: Any) -> dict[str, Any]:
    """What of `SMALL` and the changes the method has."""
    known = card.config_schema["properties"]
    return {name: value for name, value in (SMALL | changes).items() if name in known}


def smallest(folder: Path, card: MethodCard, *, model: Path, other: Path | None = None, name: str = "run",
             processes: int | None = None, shard: bool = False, **changes: Any) -> RunSpec:
    """A run of three steps on sums, its data below `folder`; `other` is what roles but the first begin from."""
    rows = arithmetic.make(arithmetic.Knobs(train=24, test=8, demonstrations=24, others=24))
    data = {}
    for need in card.data:
        if need.required:
            kind = need.kinds[0]
            found = rows[OWN_FILES.get(card.slug, FILES[kind])]
            data[need.role] = dataset(folder / f"data-{kind.value}", [_record(row) for row in found], kind=kind)
    needs = [need for need in card.models if need.required]
    models = {need.role: ModelRef(path=str(other if other and index else model), kind=ModelKind.CAUSAL)
              for index, need in enumerate(needs)}
    return RunSpec(method=card.slug, config=config_of(card, **changes), models=models, datasets=data,
                   output_dir=str(folder / name), reward=RewardPipeline.model_validate(REWARD) if card.needs_reward else None,
                   resources=Resources(threads=1, processes=processes, shard=shard))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the platform keeps it: columns of no field stand under `extra`."""
    own = {name: value for name, value in row.items() if name in Record.model_fields}
    return own | {"extra": {name: value for name, value in row.items() if name not in own}}
