"""Multi-sample comparison: groups or rankings of answers instead of pairs (arXiv 2410.12138; survey §3.2.9).

One turn reads P prompts with several answers each, finds the reference's log-probs (once for each answer) and takes one step on
the mean over prompts of `group_preference.<loss_type>`. Groups are the answers of the two ranks where a row has two; else the
best and the worst answers of its ranking, as many as `group_size` says. A pair is a group of one each, and DPO or IPO on sums.

At the edge: see `rankings` for what is left out; for plackett_luce also a ranking with more than ten answers of one rank.
"""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine import group_preference
from workers.engine.card import card
from workers.engine.composition import Collect, Composition, Evaluation, Fit, Role, Setting, Turn
from workers.engine.data import pairs, rankings
from workers.engine.data.pairs import LeftOut
from workers.engine.data.rendering import Truncation
from workers.engine.families import direct_card
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.modeling.reference import ReferenceLogProbs, reference_role
from workers.engine.modeling.reference_cache import cache_of
from workers.engine.preference import answers_of
from workers.engine.reward_models.plackett_luce import MOST_TIED
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import TrainingConfig, chosen_learning_rate
from workers.engine.training.training_config import setting as field


class Config(TrainingConfig):
    answers_per_sample: ClassVar[int] = 4

    per_device_train_batch_size: int = field(
        4, "Batch size per device", "Prompts of about four answers computed at once. Halve it and double accumulation when "
        "memory runs out.", group="basic", order=20, unit="prompts", ge=1, le=4096)
    truncation_mode: Truncation = field(
        "keep_start", "Too long answers", "Cut their ends, cut the beginning of the prompt, or leave the prompt out.", order=42)
    beta: float = field(
        0.1, "β", "How strongly the policy is tied to the reference: smaller lets it go further.", group="basic", order=43,
        live=True, gt=0, le=100)
    loss_type: Literal["mdpo", "mipo", "plackett_luce"] = field(
        "mdpo", "Loss", "DPO or IPO between the means of two groups, or the likelihood of the whole ranking.", group="basic",
        order=44)
    group_size: int = field(
        0, "Answers in a group", "Best and worst answers of a ranking that are compared (mdpo, mipo); 0 takes half of them each. "
        "Rows with two ranks are two groups as they stand.", order=45, ge=0, le=1000)
    debias: bool = field(True, "Debias", "mipo: take off what finite groups add to the square.", order=46)
    top: int = field(
        0, "Choices that count", "plackett_luce: only the first so many choices of a ranking; 0 all.", order=47, ge=0, le=1000)


OWN_METRICS = [
    MetricInfo(name=f"{prefix}group/{name}", title=f"{held_out}{title}", panel="Groups", help=about)
    for prefix, held_out in (("", ""), ("eval/", "Held out: ")) for name, title, about in (
        ("distinct_2", "Distinct pairs of tokens", "Different pairs of neighbouring tokens in the better group, of all."),
        ("entropy", "Entropy of answers", "Of the better group's distinct answers, in nats; 0 where all are one."))]
KINDS = [RecordKind.RANKING, RecordKind.PREFERENCE]

CARD = card(
    "multi-sample", Config, title="Multi-sample preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Preference Optimization with Multi-Sample Comparisons", authors="Wang et al.", year=2024,
                  link="https://arxiv.org/abs/2410.12138"),
            Paper(title="Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
                  authors="Rafailov et al.", year=2023, link="https://arxiv.org/abs/2305.18290")],
    summary="DPO between groups of answers: what only shows in several of them, such as variety, can be preferred too. Rankings "
            "are learned whole or from their ends.",
    formula=r"\mathcal{L} = -\log\sigma(\beta D),\quad D = \frac1{k_w}\sum_{y\in Y_w}h(y) - \frac1{k_l}\sum_{y\in Y_l}h(y),\quad "
            r"h = \log\frac{\pi_\theta(y\mid x)}{\pi_{ref}(y\mid x)}",
    confidence="knowledge",
    data=[DataNeed(role="train", kinds=KINDS, help="Prompts with several ranked answers; a pair is two groups of one."),
          DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out prompts.")],
    models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=[
        *direct_card.presets("mDPO; all weights, a frozen copy is the reference.",
                        "mDPO; a small adapter, the model without it is the reference.",
                        demo={"per_device_train_batch_size": 16}),
        Preset(name="mipo", title="mIPO", description="The square between the groups' means, debiased.",
               config={"loss_type": "mipo"}),
        Preset(name="plackett-luce", title="Plackett-Luce DPO", description="The whole ranking.",
               config={"loss_type": "plackett_luce"}),
    ],
    metrics=[*direct_card.METRICS, *OWN_METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """A trained policy and its reference. Raises ConfigFault for answers or a reference that do not fit the policy."""
    pairs.check_length(config, setting)
    left_out, held_out = LeftOut(), "eval" in setting.spec.datasets
    known, known_held_out = (ReferenceLogProbs(cache_of(setting.spec, role)) for role in ("train", "eval"))
    count = config.per_device_train_batch_size * config.gradient_accumulation_steps

    def collect(turn: Turn) -> list[Sample]:
        samples = rankings.take_groups(turn.data["train"], count)
        pairs.tell(turn, left_out)
        return known.give(turn.models["reference"], samples)

    rate = chosen_learning_rate(config, setting.parameters, at_7b=5e-7, highest=5e-4 if config.use_peft else 5e-5)
    return Composition(
        roles=(Role("policy", trained=True), reference_role(setting, config.max_length)),
        cycle=(Collect("read", collect),
               Fit("fit", ("policy",), partial(loss, config), keep_groups=True,
                   micro_samples=Config.answers_per_sample * config.per_device_train_batch_size)),
        data={"train": partial(render, config, setting, left_out), "eval": partial(render, config, setting, LeftOut())},
        total_steps=lambda data: pairs.planned_steps(config, data),
        live={"learning_rate": rate, "beta": config.beta},
        evaluations=(Evaluation("eval", partial(held_out_measures, config, known_held_out)),) if held_out else (),
        state={"reference": known, "reference_eval": known_held_out},
        best=("eval/loss", "down") if held_out else None,
    )


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """A ranking's answers; for the losses of two groups only those in one, ranked 1 and 2. Raises DataFault."""
    whole = config.loss_type == "plackett_luce"
    found = rankings.render_ranking(setting.tokenizer, record, row, max_length=config.max_length, mode=config.truncation_mode,
                                    left_out=left_out, most_tied=MOST_TIED if whole else None)
    if whole or not found:
        return found
    groups = group_preference.two_groups(torch.tensor([sample.scalars["rank"] for sample in found]), config.group_size)
    of = float((groups > 0).sum())
    return [replace(sample, scalars={"rank": float(group), "of": of})
            for sample, group in zip(found, groups, strict=True) if group > 0]


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's prompts."""
    scores = turn.models["policy"].score(batch, entropy=True)
    assert scores.entropy is not None
    turn.tally.mean("entropy", scores.entropy, batch.mask)
    return group_terms(config, turn.tally, turn.live["beta"], batch, scores.logprobs).sum() / counts.groups


def group_terms(config: Config, tally: Tally, beta: float, batch: Batch, logprobs: Tensor) -> Tensor:
    """One loss a prompt [P], its curves told."""
    answers, ranks = answers_of(logprobs, batch), batch.scalars["rank"]
    options = group_preference.Options(beta, config.debias, config.top)
    found = []
    for group in batch.groups.unique().tolist():
        here = batch.groups == group
        tell_group(tally, beta, answers.log_ratio[here].detach(), answers.policy[here].detach(), ranks[here])
        tell_variety(tally, [sample for sample, inside in zip(batch.samples, here.tolist(), strict=True) if inside])
        found.append(group_preference.term(config.loss_type, answers.log_ratio[here], ranks[here], options))
    return torch.stack(found)


def tell_group(tally: Tally, beta: float, log_ratios: Tensor, logprobs: Tensor, ranks: Tensor) -> None:
    """`rewards/…` and `logps/…` of a prompt's best answers and of its others."""
    chosen, rejected = (beta * side.mean() for side in group_preference.split(log_ratios, ranks))
    tally.mean("rewards/chosen", chosen)
    tally.mean("rewards/rejected", rejected)
    tally.mean("rewards/margins", chosen - rejected)
    tally.mean("rewards/accuracies", (chosen > rejected).float())
    for name, side in zip(("chosen", "rejected"), group_preference.split(logprobs, ranks), strict=True):
        tally.mean(f"logps/{name}", side.mean())


def tell_variety(tally: Tally, samples: list[Sample]) -> None:
    """`group/…` of a prompt's best answers."""
    best = min(sample.scalars["rank"] for sample in samples)
    answers = [tuple(sample.ids[sample.mask].tolist()) for sample in samples if sample.scalars["rank"] == best]
    neighbours = [pair for answer in answers for pair in pairwise(answer)]
    if neighbours:
        tally.mean("group/distinct_2", len(set(neighbours)) / len(neighbours))
    shares = torch.tensor([answers.count(answer) / len(answers) for answer in set(answers)])
    tally.mean("group/entropy", torch.special.entr(shares).sum())


def held_out_measures(config: Config, known: ReferenceLogProbs, turn: Turn) -> dict[str, float]:
    """The loss and the training metrics over the first `eval_limit` prompts of the split, as `eval/…`."""
    samples = known.give(turn.models["reference"], rankings.first_groups(turn.data["eval"], config.eval_limit))
    policy, tally, beta = turn.models["policy"], Tally(), turn.live["beta"]
    for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS, keep_groups=True):
        batch = batch_of(piece, policy.device)
        with torch.no_grad():
            tally.mean("loss", group_terms(config, tally, beta, batch, policy.score(batch).logprobs))
    tally.put("samples", len({sample.row for sample in samples}))
    return {f"eval/{name}": value for name, value in tally.values().items()}
