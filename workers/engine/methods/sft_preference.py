"""Preference fine-tuning: the supervised stage before RLHF, on answers of which it is known which are wanted.

Three objectives on rows with wanted and unwanted answers (pairs, rankings, answers judged one by one):
`chosen_only`   NLL of the wanted answers;
`conditional`   NLL of all of them, each behind words in the prompt that say how good it is; the good words are used
                afterwards (arXiv 2302.08582);
`unlikelihood`  NLL of the wanted plus λ·mean(−log(1 − p)) over the tokens of the unwanted (arXiv 1908.04319).
Means are over the tokens of each kind in the step. With λ = 0, or the same words for all, it is instruction fine-tuning on
the wanted, or on all, answers. Survey §4.6.

At the edge: an empty answer is left out; a token that the model is sure of counts −log(1 − p) at p = 1 − 1e-6.
"""

from functools import partial
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind, Text
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.pairs import is_empty
from workers.engine.data.rendering import extended, render_demonstration
from workers.engine.families import supervised
from workers.engine.faults import DataFault
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as field

KINDS = [RecordKind.PREFERENCE, RecordKind.UNPAIRED, RecordKind.RANKING]
SUREST = -1e-6
"""Log-probs are taken to be at most this before 1 − p is."""


class Config(supervised.SupervisedConfig):
    """Adds the objective and what it needs."""

    objective: Literal["chosen_only", "conditional", "unlikelihood"] = field(
        "chosen_only", "Objective", "Learn the wanted answers; learn all behind words that say how good they are; or learn the "
        "wanted and unlearn the others.", group="basic", order=43)
    unlikelihood_weight: float = field(
        1.0, "Weight of unlearning λ", "How much the unwanted answers' tokens count under `unlikelihood`.", group="basic",
        order=44, live=True, ge=0, le=100)
    good_words: str = field(
        "quality: good\n", "Words for wanted answers", "Put before the prompt of a wanted answer under `conditional`, and "
        "before every prompt that is asked.", order=46, max_length=200)
    bad_words: str = field(
        "quality: bad\n", "Words for unwanted answers", "Put before the prompt of an unwanted answer under `conditional`.",
        order=47, max_length=200)


METRICS = [
    *supervised.METRICS,
    supervised.part_metric("chosen", "Loss of wanted answers", "Mean negative log-probability of a token."),
    supervised.part_metric("rejected", "Loss of unwanted answers", "Mean negative log-probability of a token, or under "
                           "`unlikelihood` that of not writing it."),
    MetricInfo(name="logps/chosen", title="Log-prob of wanted answers", panel="Log-probs", unit="nats/token"),
    MetricInfo(name="logps/rejected", title="Log-prob of unwanted answers", panel="Log-probs", unit="nats/token"),
    MetricInfo(name="eval/logps/chosen", title="Held-out log-prob of wanted answers", panel="Log-probs", unit="nats/token"),
    MetricInfo(name="eval/logps/rejected", title="Held-out log-prob of unwanted answers", panel="Log-probs", unit="nats/token"),
    MetricInfo(name="eval/logps/margins", title="Held-out gap", panel="Log-probs", unit="nats/token", better="up",
               help="Mean log-prob of a wanted token less that of an unwanted one."),
]

CARD = card(
    "sft-preference", Config,
    title="Preference fine-tuning", family="Supervised tuning",
    papers=[Paper(title="Neural Text Generation with Unlikelihood Training", authors="Welleck et al.", year=2019,
                  link="https://arxiv.org/abs/1908.04319"),
            Paper(title="Pretraining Language Models with Human Preferences", authors="Korbak et al.", year=2023,
                  link="https://arxiv.org/abs/2302.08582")],
    summary="Teaches wanted over unwanted answers with plain likelihoods, before or instead of preference optimisation: learn "
            "the wanted alone, label the good and the bad in the prompt, or make the unwanted unlikely.",
    formula=r"L = \mathrm{NLL}(y_w) + \lambda\,\mathrm{mean}_t\left(-\log(1 - \pi_\theta(y_{l,t} \mid x, y_{l,<t}))\right)",
    confidence="paper",
    data=[DataNeed(role="train", kinds=KINDS, help="Pairs, rankings (the best rank is wanted) or judged answers."),
          DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out rows of the same kind.")],
    models=[ModelNeed(role="policy", help="The model that is trained.")],
    presets=[
        Preset(name="default", title="Wanted answers alone", description="All weights."),
        Preset(name="conditional", title="Conditional", description="All answers, their quality said in the prompt.",
               config={"objective": "conditional"}),
        Preset(name="unlikelihood", title="Unlikelihood", description="The unwanted are unlearned.",
               config={"objective": "unlikelihood"}),
        Preset(name="demo", title="Demo", description="Right sums over wrong ones with the tiny model.",
               config={"objective": "unlikelihood", "unlikelihood_weight": 0.3, "learning_rate": 1e-3, "adam_beta2": 0.98,
                       "per_device_train_batch_size": 32, "max_steps": 500, "max_length": 64, "eval_steps": 100,
                       "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning on the answers that the objective learns from."""
    return supervised.compose(
        config, setting, partial(render, config, setting), loss=partial(loss, config),
        measure=partial(held_out_measures, config), live={"unlikelihood_weight": config.unlikelihood_weight},
        data={"eval": partial(render_both, config, setting)})


def judged(record: Record, row: int) -> list[tuple[Text, bool]]:
    """The record's answers and whether each is wanted. Raises DataFault for a row that judges nothing."""
    if record.chosen is not None and record.rejected is not None:
        found = [(record.chosen, True), (record.rejected, False)]
    elif record.completions and record.ranks:
        found = [(answer, rank == min(record.ranks)) for answer, rank in zip(record.completions, record.ranks, strict=True)]
    elif record.completion is not None and record.label is not None:
        found = [(record.completion, record.label)]
    else:
        raise DataFault(f"Row {row + 1} judges no answer.", "Choose pairs, rankings or judged answers.")
    return [(answer, wanted) for answer, wanted in found if not is_empty(answer)]


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The answers that the objective trains on."""
    return [sample for sample in render_both(config, setting, record, row)
            if config.objective != "chosen_only" or bool(sample.channels["weights/chosen"].any())]


def render_both(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """Every answer as a sample; channels `weights/chosen` and `weights/rejected` say which it is."""
    found = []
    for answer, wanted in judged(record, row):
        prompt = record.prompt if record.prompt is not None else ""
        if config.objective == "conditional":
            prompt = extended(prompt, before=config.good_words if wanted else config.bad_words)
        one = Record(prompt=prompt, completion=answer, tools=record.tools)
        # Only a wanted answer is one to compare greedy answers with.
        kept = one if wanted else one.model_copy(update={"completion": None})
        for sample in supervised.finished(render_demonstration(setting.tokenizer, one), config, row=row, record=kept):
            on = sample.mask.float()
            found.append(supervised.in_parts(sample, {"chosen": on * wanted, "rejected": on * (not wanted)}))
    return found


def unlikelihood(logprobs: Tensor) -> Tensor:
    """−log(1 − e^logp), elementwise, without losing small p or p near 1."""
    sure = logprobs.clamp(max=SUREST)
    near = sure > -0.6931  # where log1p would lose digits, expm1 does not, and the other way round
    complement = torch.where(near, torch.log(-torch.expm1(torch.where(near, sure, -torch.ones_like(sure)))),
                             torch.log1p(-torch.exp(torch.where(near, -torch.ones_like(sure), sure))))
    return -complement


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The objective on one micro-batch; tells `loss/…` and `logps/…` of the kinds of answers in it."""
    logprobs = supervised.told_scores(turn, batch).logprobs
    tell_logps(turn.tally, logprobs, batch)
    nll = supervised.token_loss(logprobs, loss_type=config.loss_type)
    terms = {"chosen": nll, "rejected": nll}
    if config.objective == "unlikelihood":
        return supervised.sum_of_parts(turn, batch, counts, terms | {"rejected": unlikelihood(logprobs)},
                                       {"chosen": 1.0, "rejected": turn.live["unlikelihood_weight"]})
    tokens = sum(counts.weights.values()) or 1.0
    return supervised.sum_of_parts(turn, batch, counts, terms, {
        name: counts.weights[f"weights/{name}"] / tokens for name in terms})


def tell_logps(tally: Tally, logprobs: Tensor, batch: Batch) -> None:
    for name in ("chosen", "rejected"):
        tally.mean(f"logps/{name}", logprobs, batch.channel(f"weights/{name}"))


def held_out_measures(config: Config, turn: Turn) -> dict[str, float]:
    """The supervised measures on the wanted answers, and the log-probs of both kinds with their gap."""
    samples = list(islice(turn.data["eval"].all(), 2 * config.eval_limit))
    wanted = [sample for sample in samples if bool(sample.channels["weights/chosen"].any())][: config.eval_limit]
    policy, tally = turn.models["policy"], Tally()
    for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS):
        batch = batch_of(piece, policy.device)
        with torch.no_grad():
            tell_logps(tally, policy.score(batch).logprobs, batch)
    found = {f"eval/{name}": value for name, value in tally.values().items()}
    if len(found) == 2:
        found["eval/logps/margins"] = found["eval/logps/chosen"] - found["eval/logps/rejected"]
    return found | supervised.likelihood_of(turn, wanted) | supervised.exact_match(
        supervised.greedy_answers(config, turn, wanted))
