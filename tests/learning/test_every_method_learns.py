"""Every training method of the catalogue on sums of one digit: what it says it improves, improves.

New methods are found by themselves, by what their cards ask for. All start from models that are warmed up once; those that are
to be mended have learned to forget carries. Figures are of the rows trained on: with a hundred sums in all there is nothing to
generalise from, and the demo's own tests measure held-out sums.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve
from tests.learning.laboratory import QUIET, Tell, chance_of_right, ends, fresh, rows, run, share_of_chosen, warm
from workers.contract.catalogue import MethodCard, load_catalogue
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, RunKind

pytestmark = [pytest.mark.learn, pytest.mark.timeout(1200)]

KNOBS: dict[str, Any] = {"digits": 1, "train": 90, "test": 10, "demonstrations": 90}
RIGHT = KNOBS | {"misconception": 0.0}
CORRECT = {"terms": [{"name": "correct", "kind": "numeric_match"}]}
ELSEWHERE = {"grpo-process", "seqgan"}
"""The one learns from rewards of steps, which these sums lack: see the chains in test_worlds_teach. The other's reward, a
discriminator, learns against it, and need not rise."""
SEEDS = (0, 1, 2)
LEAST = 0.02
"""What every effect has to exceed with its whole interval: what is measured moves by training alone."""
PART = {RecordKind.TEXT: "texts", RecordKind.DEMONSTRATION: "demonstrations", RecordKind.CONVERSATION: "conversations",
        RecordKind.PROMPT: "prompts", RecordKind.PROMPT_ANSWER: "prompts", RecordKind.PREFERENCE: "pairs",
        RecordKind.RANKING: "rankings", RecordKind.UNPAIRED: "marks", RecordKind.STEPWISE: "steps"}
OWN_PART = {"sft-cot": "rationales", "kd-cot": "rationales", "step-dpo": "pairs"}
OWN_SETTINGS: dict[str, dict[str, Any]] = {"kto": {"max_steps": 80, "beta": 0.5}, "trpo": {"max_steps": 20}}
"""Of answers marked one by one the bad ones pull hardest and take the good ones along, unless β ties the policy more firmly.
TRPO goes as far as it may in every step, and each is dear."""
TRAINED = [card for card in load_catalogue().methods if card.kind is RunKind.TRAIN and card.slug not in ELSEWHERE]
SHORT = {"max_length": 64, "max_completion_length": 6, "prompts_per_step": 32, "num_generations": 8, "eval_max_new_tokens": 6,
         "per_device_train_batch_size": 32, "rollout_steps": 0, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
         "gradient_accumulation_steps": 1, **QUIET}


def kind_of(card: MethodCard) -> str:
    if card.models[0].role == "reward":
        return "reward"
    if card.needs_reward:
        return "online"
    return "preference" if card.family == "Preference optimisation" else "supervised"


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    chosen = [card for card in TRAINED if kind_of(card) in kinds]
    return pytest.mark.parametrize("card", chosen, ids=[card.slug for card in chosen])


def settings(card: MethodCard, **more: Any) -> dict[str, Any]:
    """The demo's own settings, made small; only what the method has as a field."""
    demo = next((preset.config for preset in card.presets if preset.name == "demo"), {})
    fields = card.config_schema["properties"]
    return demo | {name: value for name, value in (SHORT | more | OWN_SETTINGS.get(card.slug, {})).items() if name in fields}


def data_of(card: MethodCard, knobs: dict[str, Any]) -> DatasetRef:
    return rows("arithmetic", knobs, OWN_PART.get(card.slug, PART[card.data[0].kinds[0]]))


def forgetful() -> Path:
    """A model that has learned the demonstrations with their fault."""
    return warm("arithmetic", KNOBS, 300, batch=32, learning_rate=5e-3)


def models_of(card: MethodCard, start: Path) -> dict[str, ModelRef]:
    """A frozen teacher knows the right sums; every other required role begins as the policy does."""
    teacher = warm("arithmetic", RIGHT, 300)
    return {need.role: ModelRef(path=str(teacher if need.role == "teacher" else start)) for need in card.models if need.required}


@of_kind("supervised")
def test_the_loss_of_what_is_imitated_falls(card: MethodCard, tell: Tell) -> None:
    fallen = []
    for seed in SEEDS:
        start = forgetful() if card.slug == "kd-minillm" else fresh()
        _, events = run(card.slug, start, {"train": data_of(card, RIGHT)}, models=models_of(card, start), seed=seed,
                        **settings(card, max_steps=60, learning_rate=2e-3))
        first, last = ends(events, "loss")
        fallen.append(1 - last / first)
    low, _ = tell(f"{card.slug}: share of the loss that is gone", fallen)
    assert low > LEAST


@of_kind("online")
def test_the_right_answer_is_drawn_more_often(card: MethodCard, tell: Tell) -> None:
    asked, start, gained = data_of(card, KNOBS), forgetful(), []
    before = chance_of_right(start, asked)
    for seed in SEEDS:
        final, _ = run(card.slug, start, {"train": asked}, models=models_of(card, start), seed=seed, reward=CORRECT,
                       **settings(card, max_steps=40, max_completion_length=8, learning_rate=1e-3))
        gained.append(chance_of_right(final, asked) - before)
    low, _ = tell(f"{card.slug}: chance of the right answer {before:.3f}, gained", gained)
    assert low > LEAST


@of_kind("preference")
def test_the_right_answer_is_preferred_to_the_wrong_one(card: MethodCard, tell: Tell) -> None:
    """The chance that the policy writes the right answer of a pair when it writes one of the two."""
    asked = rows("arithmetic", KNOBS, "pairs")
    before, gained = share_of_chosen(forgetful(), asked), []
    for seed in SEEDS:
        start = forgetful()
        final, _ = run(card.slug, start, {"train": data_of(card, KNOBS)}, models=models_of(card, start), seed=seed,
                       **settings(card, max_steps=40, learning_rate=3e-4))
        gained.append(share_of_chosen(final, asked) - before)
    low, _ = tell(f"{card.slug}: chance of the right of two answers {before:.3f}, gained", gained)
    assert low > LEAST


@of_kind("reward")
def test_the_reward_model_tells_right_from_wrong(card: MethodCard, tell: Tell) -> None:
    """On the rows it was fitted to; those of a split are not the measure of a hundred sums."""
    held = [metric for metric in card.metrics if metric.name.startswith("eval/")]
    shares = [metric.name for metric in held if metric.better == "up" and metric.share_of]
    measure = shares[0] if shares else "eval/loss"
    gained, need = [], card.data[0]
    trained = rows("arithmetic", KNOBS, PART[need.kinds[0]] if need.kinds[0] is not RecordKind.DEMONSTRATION else "marks")
    for seed in SEEDS:
        start = warm("arithmetic", RIGHT, 300)
        _, events = run(card.slug, start, {"train": trained, "eval": trained}, seed=seed, models=models_of(card, start),
                        **settings(card, max_steps=80, learning_rate=1e-3, eval_steps=10, eval_limit=90))
        found = list(curve(events, measure).values())
        gained.append((found[-1] - found[0]) * (1 if shares else -1))
    low, _ = tell(f"{card.slug}: {measure} improved by", gained)
    assert low > LEAST
