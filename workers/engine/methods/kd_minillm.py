"""MiniLLM: the reverse KL to a teacher minimised by policy gradient on the student's own answers.

Token rewards r_t = log p_T − sg[log p_S] of what the student wrote; advantages their discounted mean to go (or sum, without
length normalisation); a clipped policy loss on them, and beside it the single step's part exactly: the reverse KL over the
whole vocabulary at every token. With γ = 0 the advantage is the token's own reward. Both are 0 in expectation's gradient
where student and teacher are one. Survey §4.5 (arXiv 2306.08543).

At the edge: a prompt that leaves no room for an answer is left out.
"""

from functools import partial

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import RecordKind
from workers.engine import divergences
from workers.engine.advantages import mean_to_go, to_go
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.families import online_config, supervised, surrogate
from workers.engine.modeling import teacher
from workers.engine.policy_losses import PolicyOptions, clipped
from workers.engine.rollout import written_answers
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.training_config import setting as field


class Config(written_answers.FittingConfig):
    """Adds how the teacher's opinion of later tokens reaches earlier ones."""

    num_generations: int = field(
        1, "Answers per prompt", "Answers that the student writes to each prompt.", group="basic", order=16, unit="answers",
        ge=1, le=1024)
    temperature: float = field(
        1.0, "Temperature", "How freely the student writes; both models are compared at it.", group="basic", order=17, live=True,
        gt=0, le=10)
    gamma: float = field(
        0.0, "Discount γ", "How much the teacher's opinion of later tokens counts for an earlier one; 0 is the token's own.",
        group="basic", order=43, ge=0, le=1)
    length_normalisation: bool = field(
        True, "Length normalisation", "Take the mean of what is to come, not the sum, which pulls towards short answers.",
        order=44)
    single_step_weight: float = field(
        1.0, "Weight of the exact step", "How much the reverse KL over the whole vocabulary counts beside the policy loss.",
        group="basic", order=45, live=True, ge=0, le=100)
    epsilon: float = field(
        0.2, "Clip range ε", "How far the ratio may move from 1 before its gradient is cut; of use with several updates.",
        order=113, gt=0, lt=1)


CARD = card(
    "kd-minillm", Config,
    title="MiniLLM distillation", family="Distillation",
    papers=[Paper(title="MiniLLM: Knowledge Distillation of Large Language Models", authors="Gu et al.", year=2023,
                  link="https://arxiv.org/abs/2306.08543")],
    summary="Lets the student write and rewards every token by how much likelier the teacher finds it: distillation as policy "
            "optimisation, which keeps to what the teacher would really say.",
    formula=r"r_t = \log p_T(y_t) - \log p_S(y_t),\quad "
            r"A_t = \frac{\sum_{s \ge t} \gamma^{s-t} r_s}{\sum_{s \ge t} \gamma^{s-t}},"
            r"\quad L = L_{clip}(A) + \lambda\,\mathrm{KL}(p_S \,\|\, p_T)",
    confidence="notes",
    left_out="Mixing the teacher into the sampling, and the pre-training loss that the paper adds.",
    data=[DataNeed(role="train", kinds=written_answers.KINDS, help="Prompts; nothing else of the rows is trained on."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER], required=False,
                   help="Held-out prompts, answered greedily by the student.")],
    models=[teacher.STUDENT, teacher.TEACHER],
    presets=[
        Preset(name="default", title="Each token's own", description="The teacher's opinion of each token alone."),
        Preset(name="to-go", title="With what follows", description="Earlier tokens answer for later ones.",
               config={"gamma": 1.0}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute or two on two cores.",
               config={"learning_rate": 3e-4, "adam_beta2": 0.98, "prompts_per_step": 128, "max_completion_length": 8,
                       "max_length": 64, "per_device_train_batch_size": 256, "max_steps": 200, "eval_steps": 40,
                       "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[*(metric for metric in supervised.METRICS if metric.name not in {"eval/loss", "eval/mean_token_accuracy"}),
             MetricInfo(name="kd/reverse_kl", title="Reverse KL to the teacher", panel="Distillation", unit="nats/token",
                        better="down"),
             MetricInfo(name="kd/teacher_logps", title="Teacher's log-prob of the student's answers", panel="Distillation",
                        unit="nats/token", better="up"),
             *(metric for metric in online_config.METRICS if metric.name == "policy_loss" or
               metric.name.startswith("clip_ratio/")),
             *teacher.METRICS, *written_answers.METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """The student and its teacher. Raises ConfigFault for a teacher that does not fit."""
    role = teacher.teacher_role(setting, config.max_length)
    return written_answers.composition(
        config, setting, partial(gather, config), loss=partial(loss, config), more=(role,),
        live={"single_step_weight": config.single_step_weight}, measure=partial(supervised.answer_measures, config))


def gather(config: Config, turn: Turn) -> list[Sample]:
    """The student's answers to the step's prompts with the channels `token_rewards` and `advantages`."""
    prompts = turn.data["train"].take(config.prompts_per_step)
    rollouts = written_answers.roll_out(config, turn, turn.models["policy"], prompts, config.num_generations)
    samples = written_answers.samples_of(turn, prompts, rollouts, config.num_generations)
    found = turn.models["teacher"].score_all(samples, temperature=turn.live["temperature"])
    for sample, logprobs in zip(samples, found, strict=True):
        sample.channels["token_rewards"] = torch.where(sample.mask, logprobs - sample.channels["old_logprobs"], 0.0)
        turn.tally.mean("kd/teacher_logps", logprobs, sample.mask)
    batch = batch_of(samples)
    estimate = mean_to_go.advantages if config.length_normalisation else to_go.advantages
    advantages = estimate(batch.channel("token_rewards"), batch.mask, batch.groups, gamma=config.gamma)
    for index, sample in enumerate(samples):
        sample.channels["advantages"] = advantages[index, : len(sample)]
    written_answers.show(config, turn, samples)
    return samples


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The clipped policy loss and the exact step of one micro-batch, over the update's trained tokens."""
    target = divergences.against(turn.models["teacher"], batch, name="reverse_kl", temperature=turn.live["temperature"])
    scores = supervised.told_scores(turn, batch, target, temperature=turn.live["temperature"])
    assert scores.compared is not None
    on_policy = config.num_iterations * config.updates_per_rollout == 1
    old = scores.logprobs.detach() if on_policy else batch.channel("old_logprobs")
    found = clipped.terms(scores.logprobs, old, batch.channel("advantages"), batch.mask, PolicyOptions(epsilon=config.epsilon))
    teacher.tell(turn.tally, scores, batch.mask)
    turn.tally.mean("kd/reverse_kl", scores.compared.divergence, batch.mask)
    surrogate.tell_clipping(turn.tally, found, batch.mask)
    policy = reduce(found.terms, batch.mask, counts, Reduction.TOKEN_MEAN)
    surrogate.tell_loss(turn.tally, "policy_loss", policy, counts)
    exact = reduce(scores.compared.divergence, batch.mask, counts, Reduction.TOKEN_MEAN)
    return policy + turn.live["single_step_weight"] * exact
