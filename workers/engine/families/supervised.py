"""What every supervised method shares: config fields, the token loss, batches by count or by packing, held-out measures.

Legend: B samples, T tokens.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo
from workers.contract.records import Record
from workers.engine.composition import Collect, Composition, Evaluation, Fit, Loss, Render, Role, Setting, Stream, Turn
from workers.engine.data.rendering import Rendered, Truncation, prompt_ids, sample_of, truncate
from workers.engine.faults import ConfigFault
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.rollout.verifiers import is_right, reference_of
from workers.engine.sample import Against, Batch, Counts, Sample, Scores, batch_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.reducers import Reduction, reduce, weighted_mean
from workers.engine.training.training_config import HELD_OUT_COUNT, TrainingConfig, chosen_learning_rate, setting

METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean negative log-probability of a trained token."),
    MetricInfo(name="mean_token_accuracy", title="Token accuracy", panel="Loss", better="up",
               help="Share of trained tokens that were the model's likeliest choice."),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats", help="Of the next token at trained positions."),
    MetricInfo(name="grad_norm", title="Gradient norm", panel="Optimizer", help="Before clipping."),
    MetricInfo(name="learning_rate", title="Learning rate", panel="Optimizer"),
    MetricInfo(name="num_tokens", title="Trained tokens", panel="Progress", unit="tokens"),
    MetricInfo(name="epoch", title="Epoch", panel="Progress"),
    MetricInfo(name="step_time", title="Step time", panel="Progress", unit="seconds", better="down"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Evaluation", better="down"),
    MetricInfo(name="eval/mean_token_accuracy", title="Held-out token accuracy", panel="Evaluation", better="up"),
    MetricInfo(name="eval/exact_match", title="Held-out exact match", panel="Evaluation", better="up", share_of="eval/samples",
               help="Share of greedy answers that equal the reference, as text or as their final number."),
    HELD_OUT_COUNT,
]


UNBOUNDED = 1 << 30
"""Samples of a packed micro-batch: its tokens are the bound."""


class SupervisedConfig(TrainingConfig):
    """Adds packing, truncation and the loss to the shared fields."""

    per_device_train_batch_size: int = setting(
        32, "Batch size per device", "Samples computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="samples", ge=1, le=4096)
    packing: bool = setting(
        False, "Packing", "Fill each batch up to batch size × maximum length tokens, however many samples that takes.",
        group="basic", order=41)
    truncation_mode: Truncation = setting(
        "keep_start", "Too long samples", "Keep their start, keep their end, or leave them out.", order=42)
    loss_type: str = setting(
        "nll", "Loss", "`nll`: negative log-likelihood; `dft`: each term weighted by its own probability.",
        order=45, pattern="^(nll|dft)$")


def token_loss(logprobs: Tensor, *, loss_type: str = "nll") -> Tensor:
    """Per-token terms [B,T]: −logp, or under `dft` −sg[e^logp]·logp (arXiv 2508.05629)."""
    if loss_type == "dft":
        return -logprobs.detach().exp() * logprobs
    return -logprobs


Measure = Callable[[Turn], dict[str, float]]


def compose(
    config: SupervisedConfig, setting: Setting, render: Render, *, loss: Loss | None = None,
    gather: Callable[[Turn], list[Sample]] | None = None, measure: Measure | None = None, more: tuple[Role, ...] = (),
    data: Mapping[str, Render] | None = None, live: Mapping[str, float] | None = None,
) -> Composition:
    """One trained policy, one phase of data and one of fitting; evaluation when the run has a split for it.

    A method gives what is its own: the loss, how a step's samples are gathered, what is measured on held-out rows, `more`
    roles (frozen ones), renderers of more data sets, more live fields. Raises ConfigFault for a length beyond the context.
    """
    check_length(config, setting)
    together = config.per_device_train_batch_size * config.answers_per_sample
    samples, tokens = (UNBOUNDED, budget(config)) if config.packing else (together, None)
    rate = chosen_learning_rate(config, setting.parameters, at_7b=2e-5, highest=2e-3)
    held_out = "eval" in setting.spec.datasets
    return Composition(
        roles=(Role("policy", trained=True), *more),
        cycle=(Collect("read", gather or partial(next_samples, config)),
               Fit("fit", ("policy",), loss or partial(likelihood, config), micro_samples=samples, micro_tokens=tokens)),
        data={"train": render, "eval": render} | dict(data or {}),
        total_steps=lambda data: planned_steps(config, data),
        live={"learning_rate": rate} | dict(live or {}),
        evaluations=(Evaluation("eval", measure or partial(held_out_measures, config)),) if held_out else (),
        best=("eval/loss", "down"),
    )


def check_length(config: TrainingConfig, setting: Setting) -> None:
    """Raises ConfigFault when samples may be longer than the model's context."""
    if config.max_length > setting.context_length:
        raise ConfigFault(f"max_length {config.max_length} is beyond the model's context of {setting.context_length} tokens.",
                          f"Set max_length to {setting.context_length} or less.")


def likelihood(config: SupervisedConfig, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The mean over the step's trained tokens, each with its weight where the samples have the channel `weights`."""
    terms = token_loss(told_scores(turn, batch).logprobs, loss_type=config.loss_type)
    if "weights" in batch.channels:
        return weighted_mean(terms, batch.channel("weights"), counts.weights["weights"])
    return reduce(terms, batch.mask, counts, Reduction.TOKEN_MEAN)


def told_scores(turn: Turn, batch: Batch, against: Against | None = None, *, temperature: float = 1.0) -> Scores:
    """The policy's scores of a micro-batch; tells entropy and accuracy."""
    scores = turn.models["policy"].score(batch, entropy=True, against=against, temperature=temperature)
    assert scores.entropy is not None
    turn.tally.mean("entropy", scores.entropy, batch.mask)
    turn.tally.mean("mean_token_accuracy", scores.correct.float(), batch.mask)
    return scores


def in_parts(sample: Sample, parts: Mapping[str, Tensor]) -> Sample:
    """The sample with a channel `weights/<part>` for each part: what its trained tokens [T] count there."""
    return replace(sample, channels=sample.channels | {f"weights/{name}": part * sample.mask for name, part in parts.items()})


def sum_of_parts(turn: Turn, batch: Batch, counts: Counts, terms: Mapping[str, Tensor], shares: Mapping[str, float]) -> Tensor:
    """Σ share · mean of the part's terms over its own tokens of the whole step; tells `loss/<part>`.

    A part without a token in this step adds nothing.
    """
    total = torch.zeros((), device=batch.mask.device)
    for name, share in shares.items():
        weights = batch.channel(f"weights/{name}")
        turn.tally.mean(f"loss/{name}", terms[name], weights)
        total = total + share * weighted_mean(terms[name], weights, counts.weights[f"weights/{name}"])
    return total


def part_metric(name: str, title: str, help: str = "") -> MetricInfo:  # noqa: A002 - the catalogue's word
    """The curve of a part that `sum_of_parts` tells."""
    return MetricInfo(name=f"loss/{name}", title=title, panel="Loss", better="down", help=help)


def planned_steps(config: SupervisedConfig, data: Mapping[str, Stream]) -> int:
    """Steps of the plan: as set, or from the epochs and the samples (tokens, when packing) of a step."""
    if config.max_steps > 0:
        return config.max_steps
    if config.packing:
        tokens = sum(len(sample) for sample in data["train"].all())
        return max(1, math.ceil(tokens * config.num_train_epochs / (budget(config) * config.gradient_accumulation_steps)))
    return max(1, math.ceil(data["train"].rows * config.num_train_epochs / step_size(config)))


def step_size(config: SupervisedConfig) -> int:
    """Rows of one step."""
    return config.per_device_train_batch_size * config.gradient_accumulation_steps


def finished(rendered: list[Rendered], config: SupervisedConfig, *, row: int, record: Record) -> list[Sample]:
    """Truncated samples of a record; those with nothing left to train are left out."""
    cut = [truncate(one, config.max_length, config.truncation_mode) for one in rendered]
    samples = [sample_of(one, row=row, record=record) for one in cut if one is not None]
    return [sample for sample in samples if bool(sample.mask.any())]


def held_out_measures(config: TrainingConfig, turn: Turn) -> dict[str, float]:
    """`eval/loss` and token accuracy over the first rows of the split; exact match of greedy answers where rows ask one."""
    samples = list(islice(turn.data["eval"].all(), config.eval_limit))
    return likelihood_of(turn, samples) | exact_match(greedy_answers(config, turn, samples))


def answer_measures(config: SupervisedConfig, turn: Turn) -> dict[str, float]:
    """Exact match alone, for data sets of prompts."""
    return exact_match(greedy_answers(config, turn, list(islice(turn.data["eval"].all(), config.eval_limit))))


def likelihood_of(turn: Turn, samples: Sequence[Sample], name: str = "eval") -> dict[str, float]:
    """`<name>/loss` and `<name>/mean_token_accuracy` over the trained tokens; nothing when there is none."""
    total, correct, tokens = 0.0, 0.0, 0
    for piece in pieces_of(samples, micro_samples=len(samples), micro_tokens=SCORE_TOKENS):
        with torch.no_grad():
            scores = turn.models["policy"].score(batch_of(piece, turn.models["policy"].device))
        total -= float(scores.logprobs.sum())
        correct += float(scores.correct.sum())
        tokens += int(scores.scored.sum())
    return {f"{name}/loss": total / tokens, f"{name}/mean_token_accuracy": correct / tokens} if tokens else {}


def greedy_answers(config: TrainingConfig, turn: Turn, samples: Sequence[Sample]) -> list[tuple[str, str]]:
    """(greedy answer, reference) of every sample whose record has both a prompt that fits and a reference."""
    asked = [(record, reference) for sample in samples if (record := sample.record) is not None
             and record.prompt is not None and (reference := reference_of(record)) is not None]
    room = int(getattr(turn.models["policy"].module.config, "max_position_embeddings", 1 << 20)) - config.eval_max_new_tokens
    prompts = [(torch.tensor(prompt_ids(turn.tokenizer, record.prompt or "", record.tools)), reference)
               for record, reference in asked]
    prompts = [(ids, reference) for ids, reference in prompts if 0 < len(ids) <= room]
    if not prompts:
        return []
    answers = generate(turn.models["policy"], [ids for ids, _ in prompts], count=1, max_new_tokens=config.eval_max_new_tokens,
                       temperature=0.0, end_ids=[turn.tokenizer.eos_token_id])
    texts = [turn.tokenizer.decode(answer.completion_ids, skip_special_tokens=True) for answer in answers]
    return [(text, reference) for text, (_, reference) in zip(texts, prompts, strict=True)]


def exact_match(answers: Sequence[tuple[str, str]]) -> dict[str, float]:
    """`eval/exact_match` and the number of answers it is a share of; nothing when there is none."""
    right = [is_right(text, reference) for text, reference in answers]
    return {"eval/exact_match": sum(right) / len(right), "eval/samples": len(right)} if right else {}


def next_samples(config: SupervisedConfig, turn: Turn) -> list[Sample]:
    """The next step's samples: so many of them, or as many as the packed micro-batches hold. Warns of rows that gave none."""
    stream = turn.data["train"]
    if config.packing:
        taken = [sample for _ in range(config.gradient_accumulation_steps) for sample in stream.take_tokens(budget(config))]
    else:
        taken = stream.take(step_size(config) * config.answers_per_sample)
    if news := stream.news():
        turn.warn(news)
    return taken


def budget(config: SupervisedConfig) -> int:
    """Tokens of one packed micro-batch."""
    return config.per_device_train_batch_size * config.max_length
