"""Generalised knowledge distillation: the student is taught on its own answers, which is where it will go wrong.

Each step, with probability λ, the responses are the student's own samples (no gradient passes through sampling); else those
of the data, or the teacher's own under `seq_kd`. The loss is the mean over trained tokens of the generalised Jensen-Shannon
divergence: β = 0 forward KL(p_T‖p_S), β = 1 reverse, ½ the symmetric one. At λ = 0 and β = 0 it is logit distillation with
α = 1 and τ = 1; it is 0 where student and teacher are one. Survey §4.5 (arXiv 2306.13649).

At the edge: a prompt that leaves no room for an answer is left out where answers are written.
"""

from functools import partial

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine import divergences
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import render_conversation, render_demonstration
from workers.engine.families import supervised
from workers.engine.faults import ConfigFault
from workers.engine.modeling import teacher
from workers.engine.modeling.logprobs import token_logprobs
from workers.engine.rollout import written_answers
from workers.engine.sample import Against, Batch, Counts, Sample
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.training_config import setting as field

KINDS = [RecordKind.DEMONSTRATION, RecordKind.CONVERSATION, RecordKind.PROMPT_ANSWER, RecordKind.PROMPT]


class Config(written_answers.WritingConfig):
    """Adds where the responses come from, and the divergence."""

    lmbda: float = field(
        0.5, "On-policy share λ", "Probability with which a step trains on the student's own answers.", group="basic", order=43,
        live=True, ge=0, le=1)
    beta: float = field(
        0.5, "β", "The divergence between the forward KL (0), which covers the teacher, and the reverse (1), which keeps to what "
        "it is likely to say.", group="basic", order=44, ge=0, le=1)
    seq_kd: bool = field(
        False, "Teacher writes", "Where the student does not write, the teacher does, instead of the data's responses.", order=46)


CARD = card(
    "kd-gkd", Config,
    title="Generalised distillation", family="Distillation",
    papers=[Paper(title="On-Policy Distillation of Language Models: Learning from Self-Generated Mistakes",
                  authors="Agarwal et al.", year=2023, link="https://arxiv.org/abs/2306.13649")],
    summary="Lets the student write and shows it, token by token, what the teacher would have thought there: it learns where it "
            "itself goes, not only where the data went.",
    formula=r"L = \mathbb{E}_{y \sim \lambda\,\pi_S + (1-\lambda)\,\mathcal{D}}\Big[\tfrac1{|y|}\sum_t \beta\,\mathrm{KL}(p_T\|M)"
            r" + (1-\beta)\,\mathrm{KL}(p_S\|M)\Big],\quad M = \beta p_T + (1-\beta) p_S",
    confidence="code",
    data=[DataNeed(role="train", kinds=KINDS, help="Prompts with responses; prompts alone where a model always writes."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.CONVERSATION], required=False,
                   help="Held-out rows for loss and exact match.")],
    models=[teacher.STUDENT, teacher.TEACHER],
    presets=[
        Preset(name="default", title="Half on-policy", description="Half of the steps on the student's own answers; β ½."),
        Preset(name="on-policy", title="On-policy", description="Always the student's own answers, reverse KL; prompts alone do.",
               config={"lmbda": 1.0, "beta": 1.0}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute or two on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 64, "max_steps": 300,
                       "max_length": 64, "max_completion_length": 8, "temperature": 0.9, "eval_steps": 50, "eval_limit": 256,
                       "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS,
             MetricInfo(name="kd/jsd", title="Divergence to the teacher", panel="Distillation", unit="nats/token", better="down"),
             MetricInfo(name="kd/on_policy", title="On-policy steps", panel="Distillation",
                        help="1 where the student wrote the step's answers, 0 where not."),
             MetricInfo(name="kd/teacher_logps", title="Teacher's log-prob of the student's answers", panel="Distillation",
                        unit="nats/token", better="up"),
             *teacher.METRICS, *written_answers.METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """The student and its teacher. Raises ConfigFault for a teacher that does not fit, or data without responses."""
    role = teacher.teacher_role(setting, config.max_length)
    train = setting.spec.datasets.get("train")
    written = config.lmbda > 0 or config.seq_kd
    if written:
        written_answers.check_room(config, setting)
    silent = train is not None and train.kind in {RecordKind.PROMPT, RecordKind.PROMPT_ANSWER}
    if silent and config.lmbda < 1 and not config.seq_kd:
        raise ConfigFault("The data set has only prompts, and not every step's responses are written.",
                          "Set lmbda to 1, let the teacher write (seq_kd), or choose a data set with responses.")
    base = supervised.compose(
        config, setting, partial(render, config, setting), loss=partial(loss, config), gather=partial(gather, config),
        more=(role,), live={"lmbda": config.lmbda, "temperature": config.temperature},
        data={"eval": partial(render_held_out, config, setting)})
    return written_answers.shown_every(base, config)


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """Prompt and response where the row has one; nothing when answers are written and the prompt leaves no room for one."""
    if record.messages is None and record.completion is None:
        return written_answers.render_prompt(config, setting, record, row)
    samples = render_held_out(config, setting, record, row)
    room = config.max_completion_length if config.lmbda > 0 or config.seq_kd else 0
    return [sample for sample in samples if 0 < sample.prompt_length <= min(config.max_length, setting.context_length) - room]


def render_held_out(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """Prompt and response; of a conversation the last turn is the response."""
    rendered = (render_demonstration(setting.tokenizer, record) if record.messages is None else
                render_conversation(setting.tokenizer, record.messages, train_on="last_assistant", tools=record.tools))
    return supervised.finished(rendered, config, row=row, record=record)


def gather(config: Config, turn: Turn) -> list[Sample]:
    """The step's samples, written by the student with probability λ, else by the teacher or as the data has them."""
    chosen = supervised.next_samples(config, turn)
    on_policy = bool(torch.rand(()) < turn.live["lmbda"])
    turn.tally.put("kd/on_policy", float(on_policy))
    if not on_policy and not config.seq_kd:
        return written_answers.with_scalars(chosen, {"on_policy": 0.0})
    writer = turn.models["policy" if on_policy else "teacher"]
    samples = written_answers.samples_of(turn, chosen, written_answers.roll_out(config, turn, writer, chosen))
    written_answers.show(config, turn, samples)
    return written_answers.with_scalars(samples, {"on_policy": float(on_policy)})


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The divergence of one micro-batch, over the step's trained tokens."""
    target = divergences.against(turn.models["teacher"], batch, name="jensen_shannon", beta=config.beta)
    scores = supervised.told_scores(turn, batch, target)
    assert scores.compared is not None
    teacher.tell(turn.tally, scores, batch.mask)
    turn.tally.mean("kd/jsd", scores.compared.divergence, batch.mask)
    if bool(batch.scalars["on_policy"].any()):
        turn.tally.mean("kd/teacher_logps", teacher_logps(target, batch))
    return reduce(scores.compared.divergence, batch.mask, counts, Reduction.TOKEN_MEAN)


def teacher_logps(target: Against, batch: Batch) -> Tensor:
    """The teacher's log-probs [N] of the trained tokens, from the states that the comparison left."""
    with torch.no_grad():
        return token_logprobs(target.hidden, target.weight, batch.ids[batch.mask])[0]
