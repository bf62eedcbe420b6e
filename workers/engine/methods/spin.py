"""SPIN: self-play fine-tuning; demonstrations are preferred to what the model itself writes (arXiv 2401.01335).

Each step reads P demonstrations, lets the reference write an answer to each prompt, and fits demonstration over own answer by
DPO's logistic loss (see `direct_preference`). The reference is the model of the round before: `iteration_steps` make a round,
after which it becomes the policy. Survey §7, `spin`.

At the edge: an answer that is the demonstration gives no pair; where all are, there is nothing left to learn, and the step says
so. With an adapter there is one round: the model without it cannot follow.
"""

from functools import partial
from typing import ClassVar

from workers.contract.catalogue import DataNeed, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import Truncation, render_demonstration, sample_of, truncate
from workers.engine.families import direct_card, direct_config, supervised
from workers.engine.families import direct_preference as direct
from workers.engine.faults import ConfigFault
from workers.engine.rollout import written_answers, written_pairs
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field


class Config(direct_config.TiedConfig, written_answers.Writing):
    # What is cut is no demonstration any more.
    truncation_mode: ClassVar[Truncation] = "drop"  # type: ignore[misc]

    temperature: float = field(
        1.0, "Temperature", "How freely the reference writes; 0 always takes the likeliest token.", group="basic", order=17,
        live=True, ge=0, le=10)
    iteration_steps: int = field(
        200, "Steps of a round", "After so many steps the policy becomes the reference that writes; 0 stays with the first.",
        group="basic", order=44, unit="steps", ge=0, le=10_000_000)


KINDS = [RecordKind.DEMONSTRATION]
CARD = card(
    "spin", Config, title="Self-play fine-tuning", family="Self-improvement",
    papers=[Paper(title="Self-Play Fine-Tuning Converts Weak Language Models to Strong Language Models", authors="Chen et al.",
                  year=2024, link="https://arxiv.org/abs/2401.01335")],
    summary="Gets more out of demonstrations than fine-tuning does: the model learns to tell them from its own answers, round by "
            "round, until it cannot. Needs no preferences and no reward.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta\log\frac{\pi_\theta(y\mid x)}{\pi_k(y\mid x)}"
            r" - \beta\log\frac{\pi_\theta(y'\mid x)}{\pi_k(y'\mid x)}\right),\quad y' \sim \pi_k,\; \pi_{k+1} = \pi_\theta",
    confidence="knowledge",
    data=[DataNeed(role="train", kinds=KINDS, help="Prompts with the answers to be learned."),
          DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out prompts, answered greedily.")],
    models=[ModelNeed(role="policy", help="The model that is trained, best one fine-tuned on the same demonstrations.")],
    presets=[
        Preset(name="default", title="Rounds of 200 steps", description="All weights."),
        Preset(name="lora", title="LoRA", description="One round of a small adapter.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32, "iteration_steps": 0}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute on two cores.",
               config={"per_device_train_batch_size": 64, "max_steps": 60, "learning_rate": 5e-5, "iteration_steps": 20,
                       "rpo_alpha": 1.0,
                       "max_completion_length": 8, "max_length": 64, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[
        *(info for info in direct_card.REFERENCED_METRICS if not info.name.startswith(("eval/", "ppl/"))),
        *written_pairs.METRICS, *written_answers.METRICS,
        *(info for info in supervised.METRICS if info.name.startswith("eval/")),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings that contradict each other or an answer that leaves no room for a prompt."""
    written_answers.check_room(config, setting)
    if config.iteration_steps and config.use_peft:
        raise ConfigFault("With an adapter the reference is the model without it, which cannot become the policy.",
                          "Set iteration_steps to 0 for one round, or train the whole model.")
    return direct.compose(config, setting, direct.Objective(
        "sigmoid", lambda beta: direct.referenced_options(config, beta), nll=config.rpo_alpha,
        round_steps=config.iteration_steps),
        source=direct.Source(
            take=partial(take, config), render=partial(render, config, setting), live={"temperature": config.temperature},
            measure=lambda turn: supervised.held_out_measures(config, turn), rollouts_every=config.rollout_steps))


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The demonstration, its answer trained; nothing where it is too long or its prompt leaves no room for an answer."""
    room = written_answers.render_prompt(config, setting, record, row)
    cut = truncate(render_demonstration(setting.tokenizer, record)[-1], config.max_length, "drop")
    return [] if not room or cut is None or not any(cut.trained) else [sample_of(cut, row=row, record=record)]


def take(config: Config, turn: Turn, count: int) -> list[Sample]:
    """The next `count` demonstrations, each over the reference's answer to its prompt."""
    shown = turn.data["train"].take(count)
    rollouts = written_answers.roll_out(config, turn, turn.models["reference"], shown)
    own = written_answers.samples_of(turn, shown, rollouts)
    written_answers.show(config, turn, own)
    return written_pairs.told(turn, [written_pairs.pair(demonstration, answer, answer.group)
                                     for demonstration, answer in zip(shown, own, strict=True)], count)
