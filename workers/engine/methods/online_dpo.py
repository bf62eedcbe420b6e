"""Online DPO: the policy writes the pairs that it learns from (arXiv 2402.04792).

Each step writes K answers to each of P prompts, scores them, takes the best and the worst of each prompt as a pair and fits it
by a preference loss at once (see `direct_preference`). A moving reference that is replaced at every synchronisation makes
rounds: iterative DPO (arXiv 2312.16682). Survey §7, `online-dpo`.

At the edge: a prompt whose answers all have one reward, or none, gives no pair; a step without any changes nothing and says so.
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal

from workers.contract.catalogue import MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import Truncation
from workers.engine.families import direct_card, direct_config, online, online_config
from workers.engine.families import direct_preference as direct
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import scoring, written_answers, written_pairs
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field


class Config(direct_config.MovingConfig, written_answers.Writing):
    # Every answer fits as it was written.
    truncation_mode: ClassVar[Truncation] = "drop"  # type: ignore[misc]

    num_generations: int = field(
        2, "Answers per prompt", "Answers written to each prompt; the best and the worst are the pair.", group="basic", order=16,
        unit="answers", ge=2, le=1024)
    loss_type: Literal["sigmoid", "sigmoid_norm", "hinge", "ipo", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard",
                       "apo_zero", "apo_down", "discopop", "rpo"] = field(
        "sigmoid", "Loss", "DPO's logistic loss or one of its family; rpo aims at the difference in reward.", group="basic",
        order=44)
    label_smoothing: float = field(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round. Read by sigmoid, sigmoid_norm, robust "
        "and exo_pair.", order=45, ge=0, lt=0.5)
    missing_eos_penalty: float = field(
        0.0, "Penalty for a cut answer", "Taken from the reward of an answer that did not end by itself.", order=46, ge=0, le=1e6)


CARD = card(
    "online-dpo", Config, title="Online DPO", family="Preference optimisation",
    papers=[Paper(title="Direct Language Model Alignment from Online AI Feedback", authors="Guo et al.", year=2024,
                  link="https://arxiv.org/abs/2402.04792"),
            Paper(title="Some Things Are More Cringe Than Others: Iterative Preference Optimization with the Pairwise Cringe "
                        "Loss", authors="Xu et al.", year=2023, link="https://arxiv.org/abs/2312.16682")],
    summary="Writes two answers to each prompt, lets a reward or a judge say which is better, and learns that preference at "
            "once: DPO that stays on the policy's own answers.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta h(y_w) - \beta h(y_l)\right),\quad "
            r"y_w, y_l = \arg\max, \arg\min_{y \in \{y_1..y_K\} \sim \pi_\theta} R(x, y)",
    confidence="code", left_out="Judges that see both answers at once.",
    data=online_config.DATA,
    models=[ModelNeed(role="policy", help="The model that writes and is trained."), direct_card.REFERENCE],
    needs_reward=True, takes_reward=True,
    presets=[
        Preset(name="default", title="Two answers", description="The pair of two answers, all weights."),
        Preset(name="lora", title="LoRA", description="A small adapter; the model without it is the reference.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="iterative-dpo", title="Iterative DPO", description="Rounds of 100 steps, each tied to where it began.",
               config={"sync_ref_model": True, "ref_model_mixup_alpha": 1.0, "ref_model_sync_steps": 100}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, about a minute on two cores.",
               config={"learning_rate": 5e-5, "per_device_train_batch_size": 64, "num_generations": 8, "max_completion_length": 8,
                       "max_length": 64, "temperature": 1.0, "max_steps": 60, "lr_scheduler_type": "constant",
                       "warmup_ratio": 0.0, "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[
        *(info for info in direct_card.REFERENCED_METRICS if not info.name.startswith(("eval/", "ppl/"))),
        *written_pairs.METRICS, *written_answers.METRICS,
        MetricInfo(name="objective/scores_margin", title="Difference in reward", panel="Pairs", help="Mean over pairs."),
        *(info for info in online_config.METRICS
          if info.name in {"reward", "eval/reward", "eval/exact_match", "eval/samples"} or info.name.startswith("rewards/{")),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    pipeline = online.pipeline_of(setting)
    written_answers.check_room(config, setting)

    def render(record: Record, row: int) -> list[Sample]:
        return written_answers.render_prompt(config, setting, record, row)

    objective = direct.Objective(
        config.loss_type, lambda beta: direct.referenced_options(config, beta, label_smoothing=config.label_smoothing),
        nll=config.rpo_alpha)
    return direct.compose(config, setting, objective, source=direct.Source(
        take=partial(take, config, pipeline), render=render, live={"temperature": config.temperature},
        measure=lambda turn: online.held_out_measures(turn, pipeline, limit=config.eval_limit,
                                                      max_new_tokens=config.eval_max_new_tokens),
        rollouts_every=config.rollout_steps))


def take(config: Config, pipeline: Pipeline, turn: Turn, count: int) -> list[Sample]:
    """The best and the worst answer to each of the next `count` prompts."""
    prompts = turn.data["train"].take(count)
    rollouts = written_answers.roll_out(config, turn, turn.models["policy"], prompts, config.num_generations)
    samples = written_answers.samples_of(turn, prompts, rollouts, config.num_generations)
    rewards = scoring.score(pipeline, [prompts[sample.group] for sample in samples], rollouts,
                            [sample.text for sample in samples])
    scoring.tell_rewards(turn.tally, pipeline, rewards)
    for index, sample in enumerate(samples):
        sample.reward = float(rewards.total[index]) - config.missing_eos_penalty * sample.truncated
        sample.terms = rewards.of(index)
    written_answers.show(config, turn, samples)
    size = config.num_generations
    return written_pairs.told(turn, [chosen_pair(turn, samples[at:at + size]) for at in range(0, len(samples), size)], count)


def chosen_pair(turn: Turn, answers: Sequence[Sample]) -> list[Sample]:
    """The pair of one prompt's answers, its difference in reward told; nothing where there is none."""
    found = written_pairs.best_and_worst([answer.reward if answer.reward is not None else float("nan") for answer in answers])
    if found is None:
        return []
    sides = written_pairs.pair(answers[found[0]], answers[found[1]], answers[0].group)
    if sides:
        turn.tally.mean("objective/scores_margin", sides[0].scalars["margin"])
    return sides
