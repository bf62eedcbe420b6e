"""Reward ensemble: several heads on one backbone, each fitted to pairs drawn anew from the same data.

Head e counts pair p as often as p was drawn in e's own n draws, with replacement, of the n training rows (the bootstrap; drawn
from the run's seed), and the loss is the mean over pairs and heads of that count times `reward_models.bradley_terry`. Heads
start from different weights. Where the data decides, heads agree; where it does not, they differ, and their deviation says so
(`ensemble_std`). Survey §7, `rm-ensemble`; arXiv 2310.02743. The final model is a sequence classifier with a label a head.

With one head and every pair counted once this is `rm-bt`. At the edge: pairs are left out as in `rm-bt`; a pair that no head
drew in a step teaches nothing.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.contract.products import Measure, RewardReport
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data import pairs
from workers.engine.data.rendering import Truncation
from workers.engine.families import reward_training
from workers.engine.families.reward_training import metrics, needs
from workers.engine.head_aggregation import disagreement
from workers.engine.reports import reward_report
from workers.engine.reports.reward_report import ScoredPair
from workers.engine.reward_models import answer_scores, bradley_terry, score_all
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as option


class Config(pairs.PairConfig):
    heads: int = option(
        4, "Heads", "Numbers that the model gives an answer, each fitted to its own draw of the pairs. To go on with an "
        "ensemble, set as many as it has.", group="basic", order=43, ge=2, le=64)
    bootstrap: bool = option(
        True, "Draw pairs for each head", "Each head learns from as many pairs as there are, drawn with replacement; off shows "
        "every head all of them, so that only their first weights differ.", order=44)
    label_smoothing: float = option(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round.", order=45, ge=0, lt=0.5)
    truncation_mode: Truncation = option(
        "drop", "Too long pairs", "Leave the pair out, cut the ends of the answers, or cut the beginning of the prompt.",
        order=46)
    report_limit: int = option(
        2000, "Rows of the report", "Rows of the held-out split (the training split where there is none) that the report at "
        "the end is made of.", order=73, unit="rows", ge=1, le=1_000_000)


CARD = card(
    "rm-ensemble", Config, title="Reward ensemble", family="Reward modelling",
    papers=[Paper(title="Reward Model Ensembles Help Mitigate Overoptimization", authors="Coste et al.", year=2023,
                  link="https://arxiv.org/abs/2310.02743"),
            Paper(title="Helping or Herding? Reward Model Ensembles Mitigate but do not Eliminate Reward Hacking",
                  authors="Eisenstein et al.", year=2023, link="https://arxiv.org/abs/2312.09244")],
    summary="Learns several numbers for an answer from the same preferences, each from its own draw of the pairs. Where they "
            "disagree the reward is not to be trusted, and the ensemble's term pays less.",
    formula=r"\mathcal{L} = -\frac{1}{PE}\sum_{p,e} c_{pe}\log\sigma(r^e_w - r^e_l),\quad "
            r"c_{\cdot e}\sim\mathrm{Multinomial}(n),\quad R = \bar r - \kappa\,\mathrm{std}_e(r^e)",
    confidence="paper", left_out="Members that were pre-trained apart, which disagree more than heads on one backbone.",
    data=needs([RecordKind.PREFERENCE], "Prompts with a chosen and a rejected answer."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Four heads", description="All weights; each head with its own draw of the pairs."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer and whole heads.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="The right sum before a wrong one, with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 32, "max_length": 64, "max_steps": 150,
                       "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=metrics("pairs and heads", [
        MetricInfo(name="accuracy", title="Accuracy", panel="Accuracy", better="up",
                   help="Share of pairs whose chosen answer has the higher mean score."),
        MetricInfo(name="margin", title="Margin", panel="Reward", better="up", help="Mean of r(chosen) − r(rejected)."),
        MetricInfo(name="ensemble_std", title="Disagreement of the heads", panel="Reward",
                   help="Deviation of the heads' margins of a pair, the mean over pairs."),
    ]),
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a head of several numbers. Raises ConfigFault when pairs may be longer than the model's context."""
    draws = Draws(config.heads, setting.spec.seed) if config.bootstrap else None
    return reward_training.of_pairs(config, setting, loss=partial(loss, config), measure=partial(held_out_measures, config),
                                    report=partial(report, config, setting), collect=partial(collect, draws), heads=config.heads)


@dataclass
class Draws:
    """How often each head drew each row: n draws of n rows with replacement, the same for a seed whenever they are made."""

    heads: int
    seed: int
    counts: Tensor | None = None

    def of(self, rows: int) -> Tensor:
        """Counts [rows,E] of all rows; every head's add up to `rows`."""
        if self.counts is None:
            generator = torch.Generator().manual_seed(self.seed)
            drawn = torch.randint(rows, (self.heads, rows), generator=generator)
            self.counts = torch.stack([each.bincount(minlength=rows) for each in drawn], -1).float()
        return self.counts


def collect(draws: Draws | None, turn: Turn, count: int, left_out: pairs.LeftOut) -> list[Sample]:
    """The step's pairs, each sample with scalars `drawn_<e>` where heads draw their own."""
    samples = pairs.take(turn, count, left_out)
    if draws is None:
        return samples
    counts = draws.of(turn.data["train"].rows)
    return [replace(sample, scalars=sample.scalars | {
        f"drawn_{head}": value for head, value in enumerate(counts[sample.row].tolist())}) for sample in samples]


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's pairs and heads."""
    scores = answer_scores(turn.models["reward"], batch, turn.tokenizer.pad_token_id)
    tell(turn.tally, scores.detach())
    losses = pair_losses(config, scores)
    if config.bootstrap:
        drawn = torch.stack([batch.scalars[f"drawn_{head}"] for head in range(config.heads)], -1)
        losses = losses * pairs.sides(drawn)[0]
    return losses.sum() / (counts.groups * config.heads)


def pair_losses(config: Config, scores: Tensor) -> Tensor:
    """One loss for each pair and head [P,E] from scores [2P,E]."""
    chosen, rejected = pairs.sides(scores)
    return bradley_terry.terms(chosen, rejected, label_smoothing=config.label_smoothing)


def tell(tally: Tally, scores: Tensor) -> None:
    """`accuracy` and `margin` of the mean score, `ensemble_std` of the margins, and the rewards, of scores [2P,E]."""
    chosen, rejected = pairs.sides(scores)
    margins = chosen - rejected
    tally.mean("accuracy", (margins.mean(-1) > 0).float())
    tally.mean("margin", margins.mean(-1))
    tally.mean("ensemble_std", disagreement(margins))
    reward_training.tell_rewards(tally, scores.mean(-1))


def held_out_measures(config: Config, turn: Turn) -> dict[str, float]:
    """The training metrics and the loss, every pair counted once, over the first `eval_limit` pairs, as `eval/…`."""
    samples = list(islice(turn.data["eval"].all(), 2 * config.eval_limit))
    if not samples:
        return {}
    scores, tally = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id), Tally()
    tell(tally, scores)
    tally.put("samples", len(samples) // 2)
    tally.mean("loss", pair_losses(config, scores))
    return {f"eval/{name}": value for name, value in tally.values().items()}


def report(config: Config, setting: Setting, turn: Turn) -> RewardReport:
    """The report of the heads' mean, with each head's own accuracy and how far they disagree where the mean is right and not."""
    role = "eval" if "eval" in turn.data else "train"
    samples = list(islice(turn.data[role].all(), 2 * config.report_limit))
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id).view(-1, config.heads)
    mean, margins = scores.mean(-1).tolist(), scores[0::2] - scores[1::2]
    scored = [ScoredPair(mean[at], mean[at + 1], int(samples[at].mask.sum()), int(samples[at + 1].mask.sum()),
                         samples[at].record or Record()) for at in range(0, len(samples), 2)]
    apart, right = disagreement(margins), margins.mean(-1) > 0
    split = ((margins > 0).any(-1) & (margins <= 0).any(-1)).float()
    measures = [
        *(Measure(name=f"accuracy_{head + 1}", title=f"Accuracy of head {head + 1}",
                  value=float((margins[:, head] > 0).float().mean()) if len(margins) else None) for head in range(config.heads)),
        *(Measure(name=f"{what}_{name}", title=f"{title} where the mean is {name}",
                  value=float(values[where].mean()) if bool(where.any()) else None, help=said)
          for what, title, said, values in (
              ("ensemble_std", "Disagreement", "Deviation of the heads' margins.", apart),
              ("of_two_minds", "Heads of two minds", "Share of pairs on which the heads differ about which answer is better: "
               "the more of them where the mean is wrong, the more an ensemble is worth.", split))
          for name, where in (("right", right), ("wrong", ~right))),
    ]
    return reward_report.report(setting.spec.datasets[role].split, scored, held_out=role == "eval", measures=measures)
