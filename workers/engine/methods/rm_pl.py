"""Ranking reward model: one number for a whole answer, fitted to rankings of several answers to a prompt.

The loss is `reward_models.plackett_luce` over whole rankings or over their first `top` choices, or, as `pairwise`, the mean of
Bradley-Terry over all pairs of a ranking; the mean over rankings, so that a prompt counts once. Survey §3.1. A pair is a ranking
of two, and both losses are `rm-bt` then. The final model is a sequence classifier with one label.

Answers of one rank have no order: Plackett-Luce takes the mean over all orders that the ranks allow, pairs leave them out.

At the edge: an empty answer leaves its ranking; a ranking of fewer than two answers, of answers that are all ranked equal, or
with more than ten of one rank, is left out, as is one with an answer that is too long; a row whose ranks do not fit its answers
is an error. A ranking that is cut is cut alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.contract.products import Measure, RewardReport
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data import rankings
from workers.engine.data.pairs import LeftOut
from workers.engine.families import reward_training
from workers.engine.families.reward_training import Parts, RewardConfig, metrics, needs
from workers.engine.modeling.reward_heads import declaration
from workers.engine.reports import reward_report
from workers.engine.reports.reward_report import ScoredPair
from workers.engine.reward_models import answer_scores, pairwise, plackett_luce, score_all
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as option

LOSSES = {"plackett_luce": plackett_luce, "pairwise": pairwise}


class Config(RewardConfig):
    answers_per_sample: ClassVar[int] = 4

    per_device_train_batch_size: int = option(
        8, "Batch size per device", "Rankings of about four answers computed at once. Halve it and double accumulation when "
        "memory runs out.", group="basic", order=20, unit="rankings", ge=1, le=4096)
    loss_type: Literal["plackett_luce", "pairwise"] = option(
        "plackett_luce", "Loss", "The whole ranking at once, or all of its pairs one by one.", group="basic", order=44)
    top: int = option(
        0, "Choices that count", "Only the first so many choices of a ranking are learned from; the others are known to be "
        "worse. 0: all.", order=45, ge=0, le=1000)


CARD = card(
    "rm-pl", Config, title="Plackett-Luce reward model", family="Reward modelling",
    papers=[Paper(title="The Analysis of Permutations", authors="Plackett", year=1975, link="https://doi.org/10.2307/2346567"),
            Paper(title="Training language models to follow instructions with human feedback", authors="Ouyang et al.",
                  year=2022, link="https://arxiv.org/abs/2203.02155")],
    summary="Learns one number for an answer from rankings of several answers to a prompt, ties allowed. What results is a "
            "reward term for other runs.",
    formula=r"\mathcal{L} = -\frac1P\sum_p\sum_{\ell=1}^{m_p}\left[r_{j_\ell} - \log\sum_{k\ge\ell} e^{r_{j_k}}\right]",
    confidence="paper",
    data=needs([RecordKind.RANKING, RecordKind.PREFERENCE], "Prompts with several ranked answers; a pair is a ranking of two."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights; the whole ranking at once."),
        Preset(name="pairs", title="All pairs", description="All pairs of a ranking, as InstructGPT learned from them.",
               config={"loss_type": "pairwise"}),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="Three answers to each sum, ranked by wrong digits, with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 16, "max_length": 64, "max_steps": 100,
                       "eval_steps": 25, "eval_limit": 64}),
    ],
    metrics=metrics("rankings", [
        MetricInfo(name="kendall_tau", title="Kendall's τ", panel="Accuracy", better="up",
                   help="Share of ordered pairs in the right order less that in the wrong one, mean over rankings."),
        MetricInfo(name="top1_accuracy", title="Best one found", panel="Accuracy", better="up",
                   help="Share of rankings whose highest-scored answer is of the best rank."),
        MetricInfo(name="accuracy", title="Accuracy", panel="Accuracy", better="up",
                   help="Share of ordered pairs of answers in the right order."),
    ]),
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault when answers may be longer than the model's context."""
    return reward_training.composition(config, setting, Parts(
        render=partial(render, config, setting), loss=partial(loss, config), measure=partial(held_out_measures, config),
        report=partial(report, config), declares=declaration("preference"), best=("eval/kendall_tau", "up"), grouped=True,
        unit_samples=Config.answers_per_sample))


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The ranking's answers as one group, with scalars `rank` and `of`, how many they are. Raises DataFault."""
    return rankings.render_ranking(
        setting.tokenizer, record, row, max_length=config.max_length, mode=config.truncation_mode, left_out=left_out,
        most_tied=plackett_luce.MOST_TIED if config.loss_type == "plackett_luce" else None)


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's rankings."""
    scores, ranks = answer_scores(turn.models["reward"], batch, turn.tokenizer.pad_token_id), batch.scalars["rank"]
    tell(turn.tally, scores.detach(), ranks, batch.groups)
    return ranking_losses(config, scores, ranks, batch.groups).sum() / counts.groups


def ranking_losses(config: Config, scores: Tensor, ranks: Tensor, groups: Tensor) -> Tensor:
    """One loss a ranking [P] from scores, ranks and groups [B]."""
    member = LOSSES[config.loss_type]
    return torch.stack([member.terms(scores[groups == group], ranks[groups == group], top=config.top)
                        for group in groups.unique().tolist()])


@dataclass(frozen=True)
class Order:
    """How the scores of a ranking stand to its ranks: ordered pairs in the right and in the wrong order, of so many; whether
    the highest score is of the best rank."""

    right: int
    wrong: int
    pairs: int
    top: bool

    @property
    def tau(self) -> float:
        return (self.right - self.wrong) / max(1, self.pairs)


def order_of(scores: Sequence[float], ranks: Sequence[float]) -> Order:
    """Equal scores are in neither order, and equal ranks make no pair."""
    ordered = [(a, b) if ranks[a] < ranks[b] else (b, a) for a, b in combinations(range(len(ranks)), 2) if ranks[a] != ranks[b]]
    best = max(range(len(scores)), key=lambda at: scores[at])
    return Order(sum(scores[better] > scores[worse] for better, worse in ordered),
                 sum(scores[better] < scores[worse] for better, worse in ordered), len(ordered), ranks[best] == min(ranks))


def orders(scores: Tensor, ranks: Tensor, groups: Tensor) -> list[Order]:
    return [order_of(scores[groups == group].tolist(), ranks[groups == group].tolist()) for group in groups.unique().tolist()]


def tell(tally: Tally, scores: Tensor, ranks: Tensor, groups: Tensor) -> None:
    """`kendall_tau`, `top1_accuracy`, `accuracy` and the rewards of scores, ranks and groups [B]."""
    for found in orders(scores, ranks, groups):
        tally.mean("kendall_tau", found.tau)
        tally.mean("top1_accuracy", float(found.top))
        tally.mean("accuracy", found.right / max(1, found.pairs), found.pairs)
    reward_training.tell_rewards(tally, scores)


def held_out_measures(config: Config, turn: Turn, samples: list[Sample]) -> dict[str, float]:
    """The curves and the loss over held-out rankings; `samples` counts their ordered pairs."""
    scores, ranks, groups = scored(turn, samples)
    tally = Tally()
    tell(tally, scores, ranks, groups)
    tally.mean("loss", ranking_losses(config, scores, ranks, groups))
    tally.put("samples", sum(found.pairs for found in orders(scores, ranks, groups)))
    return tally.values()


def report(config: Config, turn: Turn, split: str, samples: list[Sample], held_out: bool) -> RewardReport:
    """The report on all ordered pairs of the rankings, with Kendall's τ, the best one found, and the loss."""
    scores, ranks, groups = scored(turn, samples)
    lengths = [int(sample.mask.sum()) for sample in samples]
    found = []
    for group in groups.unique().tolist():
        places = (groups == group).nonzero().flatten().tolist()
        found += [ScoredPair(float(scores[a]), float(scores[b]), lengths[a], lengths[b], samples[a].record or Record())
                  for a in places for b in places if ranks[a] < ranks[b]]
    every = orders(scores, ranks, groups)
    measures = [
        Measure(name="rankings", title="Rankings", value=float(len(every))),
        Measure(name="kendall_tau", title="Kendall's τ", value=sum(one.tau for one in every) / len(every) if every else None,
                help="1: every ranking as people ranked it; 0: no better than chance."),
        Measure(name="top1_accuracy", title="Best one found",
                value=sum(one.top for one in every) / len(every) if every else None),
        Measure(name="nll", title="Loss", value=float(ranking_losses(config, scores, ranks, groups).mean()) if every else None),
    ]
    return reward_report.report(split, found, held_out=held_out, kind="rankings", measures=measures)


def scored(turn: Turn, samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, ranks and groups [B] of whole rankings."""
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id)
    return scores, reward_training.scalar(samples, "rank"), torch.tensor([sample.group for sample in samples])
