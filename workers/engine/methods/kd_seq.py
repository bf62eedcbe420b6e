"""Sequence distillation: a teacher answers the prompts, the student is fine-tuned on what it wrote.

Each step the teacher writes `num_generations` answers to each prompt; with a reward those that it accepts are learned
(see `acceptance`), without one all of them; the student fits them by likelihood, the mean over the tokens of an update. With
every answer accepted it is instruction fine-tuning on the teacher's file. DeepSeek-R1's distillation is this with
reasoning traces. Survey §3.3.5, §4.5 (arXiv 1606.07947).

At the edge: a step without an accepted answer changes nothing and says so; answers without text are not accepted.
"""

from functools import partial

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.families import online, supervised
from workers.engine.modeling import teacher
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import acceptance, written_answers
from workers.engine.rollout.verifiers import is_right, reference_of
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field


class Config(acceptance.AcceptanceConfig):
    """Sequence distillation has the fields of methods that learn accepted answers; one answer a prompt by default."""

    prompts_per_step: int = field(
        32, "Prompts per step", "Different prompts that the teacher answers in each step.", group="basic", order=15,
        unit="prompts", ge=1, le=65_536)
    num_generations: int = field(
        1, "Answers per prompt", "Answers that the teacher writes to each prompt.", group="basic", order=16, unit="answers",
        ge=1, le=1024)
    temperature: float = field(
        0.7, "Temperature", "How freely the teacher writes; 0 always takes the likeliest token.", group="basic", order=17,
        live=True, ge=0, le=10)


CARD = card(
    "kd-seq", Config,
    title="Sequence distillation", family="Distillation",
    papers=[Paper(title="Sequence-Level Knowledge Distillation", authors="Kim and Rush", year=2016,
                  link="https://arxiv.org/abs/1606.07947"),
            Paper(title="DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning",
                  authors="DeepSeek-AI", year=2025, link="https://arxiv.org/abs/2501.12948")],
    summary="Lets a larger model answer the prompts and fine-tunes the student on its answers, on all of them or on those that a "
            "verifier accepts.",
    formula=r"L(\theta) = -\mathbb{E}_{\hat y \sim \pi_T(\cdot\mid x)}\left[\log \pi_\theta(\hat y \mid x)\right]",
    confidence="paper",
    left_out="Beam search: the teacher samples, or is greedy at temperature 0. Its answers are written anew in every epoch.",
    data=[DataNeed(role="train", kinds=written_answers.KINDS,
                   help="Prompts; references are what a verifier compares the teacher's answers with."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER], required=False,
                   help="Held-out prompts, answered greedily by the student.")],
    models=[teacher.STUDENT, teacher.TEACHER], takes_reward=True,
    presets=[
        Preset(name="default", title="One answer each", description="What the teacher writes, or what a reward accepts of it."),
        Preset(name="filtered", title="Best of eight", description="The best of eight answers by the reward.",
               config={"num_generations": 8, "top_k": 1, "temperature": 1.0}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute or two on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "prompts_per_step": 64, "max_completion_length": 8,
                       "max_length": 64, "per_device_train_batch_size": 256, "max_steps": 300, "eval_steps": 50,
                       "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[*acceptance.METRICS,
             MetricInfo(name="kd/teacher_accuracy", title="Teacher's right answers", panel="Distillation", better="up",
                        help="Share of the teacher's answers to prompts with a reference that equal it.")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """The teacher writes, the student fits. Raises ConfigFault for a teacher that does not fit."""
    role = teacher.teacher_role(setting, config.max_length)
    pipeline = None if setting.spec.reward is None else online.pipeline_of(setting)
    return written_answers.composition(config, setting, partial(gather, config, pipeline), more=(role,),
                                  measure=partial(supervised.answer_measures, config))


def gather(config: Config, pipeline: Pipeline | None, turn: Turn) -> list[Sample]:
    """The teacher's accepted answers to the step's prompts."""
    prompts = turn.data["train"].take(config.prompts_per_step)
    samples = acceptance.answered(config, turn, turn.models["teacher"], prompts, pipeline)
    marks = [is_right(sample.text, reference) for sample in samples if (reference := reference_of(sample.record)) is not None]
    if marks:
        turn.tally.put("kd/teacher_accuracy", sum(marks) / len(marks))
    return acceptance.told(turn, acceptance.selected(config, samples))
