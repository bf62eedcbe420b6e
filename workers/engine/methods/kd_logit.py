"""Logit distillation: the student matches the teacher's distribution of the next token, at every token of the answers.

L = (1 − α)·NLL + α·τ²·D, the mean over trained tokens, D the divergence of softmax(z_T/τ) and softmax(z_S/τ) over the whole
vocabulary; τ² keeps its gradient's size when τ grows. With α = 0 it is instruction fine-tuning; D is 0 where student and
teacher are one. Survey §4.5.
"""

from functools import partial
from typing import Literal

from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine import divergences
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import render_taught
from workers.engine.families import supervised
from workers.engine.modeling import teacher
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.training_config import setting as field

KINDS = [RecordKind.DEMONSTRATION, RecordKind.CONVERSATION, RecordKind.TEXT]


class Config(supervised.SupervisedConfig):
    """Adds the divergence, its temperature and its share of the loss."""

    alpha: float = field(
        0.5, "α", "Share of the teacher in the loss; the data's own tokens have the rest.", group="basic", order=43, live=True,
        ge=0, le=1)
    temperature: float = field(
        2.0, "Temperature τ", "Divides the logits of both before they are compared: higher shows more of what the teacher thinks "
        "of unlikely tokens.", group="basic", order=44, gt=0, le=100)
    divergence: Literal["forward_kl", "reverse_kl", "jensen_shannon"] = field(
        "forward_kl", "Divergence", "`forward_kl`: cover all that the teacher may say; `reverse_kl`: keep to what it is likely "
        "to say; `jensen_shannon`: between them, by β.", order=46)
    beta: float = field(
        0.5, "β", "Where the Jensen-Shannon divergence stands between the forward (0) and the reverse (1).", order=47, ge=0, le=1)


CARD = card(
    "kd-logit", Config,
    title="Logit distillation", family="Distillation",
    papers=[Paper(title="Distilling the Knowledge in a Neural Network", authors="Hinton et al.", year=2015,
                  link="https://arxiv.org/abs/1503.02531")],
    summary="Teaches a student what a larger model thinks of every possible next token, not only which one the data has: far "
            "more is learned from each example.",
    formula=r"L = (1-\alpha)\,\mathrm{NLL} + \alpha\,\tau^2\, \mathrm{KL}\big(\mathrm{softmax}(z_T/\tau)\,\|\,"
            r"\mathrm{softmax}(z_S/\tau)\big)",
    confidence="paper",
    left_out="The teacher answers within the run; storing its best logits beforehand is not offered.",
    data=[DataNeed(role="train", kinds=KINDS, help="Texts on which the two are compared; the answers are trained."),
          DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out rows for loss and exact match.")],
    models=[teacher.STUDENT, teacher.TEACHER],
    presets=[
        Preset(name="default", title="Forward KL", description="Half the data's tokens, half the teacher's, at temperature 2."),
        Preset(name="reverse", title="Reverse KL", description="The student keeps to what the teacher is likely to say.",
               config={"divergence": "reverse_kl", "temperature": 1.0}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute or two on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 32, "max_steps": 400,
                       "max_length": 64, "eval_steps": 100, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS,
             MetricInfo(name="kd/kl", title="Divergence to the teacher", panel="Distillation", unit="nats/token", better="down",
                        help="As chosen, at the temperature, before it is multiplied by τ²."),
             supervised.part_metric("nll", "Loss of the data's tokens", "Mean negative log-probability of a trained token."),
             *teacher.METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning, with the teacher beside. Raises ConfigFault for a teacher that does not fit."""
    role = teacher.teacher_role(setting, config.max_length)
    return supervised.compose(config, setting, partial(render, config, setting), loss=partial(loss, config), more=(role,),
                              live={"alpha": config.alpha})


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The record as instruction fine-tuning reads it."""
    return supervised.finished(render_taught(setting.tokenizer, record), config, row=row, record=record)


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """(1 − α)·NLL + α·τ²·D of one micro-batch."""
    target = divergences.against(turn.models["teacher"], batch, name=config.divergence, temperature=config.temperature,
                                 beta=config.beta)
    scores = supervised.told_scores(turn, batch, target)
    assert scores.compared is not None
    nll, alpha = supervised.token_loss(scores.logprobs, loss_type=config.loss_type), turn.live["alpha"]
    teacher.tell(turn.tally, scores, batch.mask)
    turn.tally.mean("kd/kl", scores.compared.divergence, batch.mask)
    turn.tally.mean("loss/nll", nll, batch.mask)
    terms = (1 - alpha) * nll + alpha * config.temperature**2 * scores.compared.divergence
    return reduce(terms, batch.mask, counts, Reduction.TOKEN_MEAN)
