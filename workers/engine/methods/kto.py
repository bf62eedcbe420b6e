"""KTO: the policy is fitted to single answers marked good or bad (arXiv 2402.01306).

One turn reads N answers, finds their reference log-probs (once for each, see `reference`) and the baseline z, and takes one
step on the mean of `preference.kto`. z estimates how far the policy has moved from the reference: max(0, the batch's mean
log-ratio of answers set behind prompts they do not belong to), without gradient. Each answer stands behind the prompt of
the next one in the batch whose prompt differs; where all prompts are equal there is no such answer, and z is 0. A pair is
one good and one bad answer. Survey §3.2.6, `kto`.

At the edge: an answer that is empty, or whose prompt leaves no room for it, is left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, islice
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record
from workers.engine import token_weights
from workers.engine.card import card
from workers.engine.composition import Apply, Collect, Composition, Evaluation, Fit, ModelView, Role, Setting, Turn
from workers.engine.data import pairs
from workers.engine.data.marked_answers import DATA, answers_per_row, render_marked
from workers.engine.data.pairs import LeftOut
from workers.engine.data.rendering import Truncation
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.modeling.reference import ReferenceLogProbs, reference_role
from workers.engine.modeling.reference_cache import cache_of
from workers.engine.preference import Answers, Options, answers_of, terms
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import TrainingConfig, chosen_learning_rate
from workers.engine.training.training_config import setting as field


class Config(TrainingConfig):
    per_device_train_batch_size: int = field(
        8, "Batch size per device", "Answers computed at once, best eight or more: a step's answers are each other's baseline. "
        "Halve it and double accumulation when memory runs out.", group="basic", order=20, unit="answers", ge=1, le=4096)
    beta: float = field(
        0.1, "β", "How strongly the policy is tied to the reference: smaller lets it go further.", group="basic", order=43,
        live=True, gt=0, le=100)
    desirable_weight: float = field(
        1.0, "Weight of good answers", "Good answers' total weight should be 1 to 4/3 of the bad ones': raise it where they "
        "are fewer.", group="basic", order=44, ge=0, le=1000)
    undesirable_weight: float = field(1.0, "Weight of bad answers", "As above, where bad answers are fewer.", group="basic",
                                      order=45, ge=0, le=1000)
    token_weighting: Literal["uniform", "length_mean"] = field(
        "uniform", "Token weights", "An answer's score is the sum over its tokens or their mean. LD-DPO's weights need a pair's "
        "other side.", order=90)
    truncation_mode: Truncation = field(
        "keep_start", "Too long answers", "Cut their ends, cut the beginning of the prompt, or leave them out.", order=46)


ANY = token_weights.Options()
"""None of them is read: what weighs one side of a pair by the other is not offered."""

METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean over answers."),
    MetricInfo(name="rewards/margins", title="Margin", panel="Reward", better="up", help="Mean reward of good − of bad answers."),
    MetricInfo(name="rewards/chosen", title="Reward of good answers", panel="Reward", help="β·(log π − log π_ref)."),
    MetricInfo(name="rewards/rejected", title="Reward of bad answers", panel="Reward"),
    MetricInfo(name="kl", title="Baseline z", panel="KL", unit="nats/answer",
               help="Mean log-ratio of answers behind prompts they do not belong to, at least 0."),
    MetricInfo(name="logps/chosen", title="Log-prob of good answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="logps/rejected", title="Log-prob of bad answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Loss", better="down"),
    MetricInfo(name="eval/kl", title="Held-out baseline z", panel="KL", unit="nats/answer"),
    MetricInfo(name="eval/rewards/margins", title="Held-out margin", panel="Reward", better="up"),
    MetricInfo(name="eval/rewards/chosen", title="Held-out reward of good answers", panel="Reward"),
    MetricInfo(name="eval/rewards/rejected", title="Held-out reward of bad answers", panel="Reward"),
    MetricInfo(name="eval/logps/chosen", title="Held-out log-prob of good answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="eval/logps/rejected", title="Held-out log-prob of bad answers", panel="Log-probs", unit="nats"),
    *pairs.METRICS,
]

CARD = card(
    "kto", Config, title="Kahneman-Tversky optimisation", family="Preference optimisation",
    papers=[Paper(title="KTO: Model Alignment as Prospect Theoretic Optimization", authors="Ethayarajh et al.", year=2024,
                  link="https://arxiv.org/abs/2402.01306")],
    summary="Learns from single answers marked good or bad, such as thumbs: good ones become likelier, bad ones less likely, "
            "and what is already clear stops pulling. Needs no pairs.",
    formula=r"\mathcal{L} = \frac1N\sum_i \lambda_i\left(1-\sigma\!\left(\pm\beta\,(h_i - z)\right)\right),\quad "
            r"h_i = \log\frac{\pi_\theta(y_i\mid x_i)}{\pi_{ref}(y_i\mid x_i)},\quad "
            r"z = \max\!\left(0,\ \frac1N\sum_i \log\frac{\pi_\theta(y_{i-1}\mid x_i)}{\pi_{ref}(y_{i-1}\mid x_i)}\right)",
    confidence="code",
    data=DATA,
    models=[ModelNeed(role="policy", help="The model that is trained."),
            ModelNeed(role="reference", required=False,
                      help="What the policy is tied to. Left out, it is the model that the run starts from.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights; a frozen copy is the reference."),
        Preset(name="lora", title="LoRA", description="A small adapter; the model without it is the reference.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute on two cores.",
               config={"per_device_train_batch_size": 64, "max_steps": 60, "learning_rate": 1e-4, "lr_scheduler_type": "constant",
                       "warmup_ratio": 0.0, "max_length": 32, "eval_steps": 10, "eval_limit": 256}),
    ],
    metrics=METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """A trained policy and its reference. Raises ConfigFault for answers or a reference that do not fit the policy."""
    pairs.check_length(config, setting)
    left_out, held_out = LeftOut(), "eval" in setting.spec.datasets
    known, known_held_out = (ReferenceLogProbs(cache_of(setting.spec, role)) for role in ("train", "eval"))

    def render(left_out: LeftOut, record: Record, row: int) -> list[Sample]:
        return render_marked(setting.tokenizer, record, row, max_length=config.max_length, mode=config.truncation_mode,
                             left_out=left_out)

    rate = chosen_learning_rate(config, setting.parameters, at_7b=5e-7, highest=5e-4 if config.use_peft else 5e-5)
    return Composition(
        roles=(Role("policy", trained=True), reference_role(setting, config.max_length)),
        cycle=(Collect("read", partial(collect, config, known, left_out)),
               Fit("fit", ("policy",), partial(loss, config), micro_samples=config.per_device_train_batch_size),
               Apply("tell", lambda turn: tell_margin(turn.tally))),
        data={"train": partial(render, left_out), "eval": partial(render, LeftOut())},
        total_steps=lambda data: pairs.planned_steps(config, data, answers_per_row(setting.spec)),
        live={"learning_rate": rate, "beta": config.beta},
        evaluations=(Evaluation("eval", partial(held_out_measures, config, known_held_out)),) if held_out else (),
        state={"reference": known, "reference_eval": known_held_out},
        best=("eval/loss", "down") if held_out else None,
    )


def collect(config: Config, known: ReferenceLogProbs, left_out: LeftOut, turn: Turn) -> list[Sample]:
    """The step's answers with reference log-probs and the baseline; neighbours from one row share their prompt."""
    samples = turn.data["train"].take(config.per_device_train_batch_size * config.gradient_accumulation_steps)
    pairs.tell(turn, left_out)
    together = [list(members) for _, members in groupby(samples, key=lambda sample: sample.row)]
    samples = [replace(sample, group=group) for group, members in enumerate(together) for sample in members]
    baseline = baseline_of(config, turn.models["policy"], turn.models["reference"], samples)
    turn.tally.put("kl", baseline)
    return with_baseline(known.give(turn.models["reference"], samples), baseline)


def baseline_of(config: Config, policy: ModelView, reference: ModelView, samples: Sequence[Sample]) -> float:
    """z = max(0, mean of log π − log π_ref over `mismatched` answers), in nats by the token weights; 0 where there is none."""
    strange = mismatched(samples, config.max_length)
    if not strange:
        return 0.0
    ratios = [((ours - theirs) * token_weights.weigh(config.token_weighting, sample.mask[None], ANY).tokens[0]).sum()
              for sample, ours, theirs in zip(strange, policy.score_all(strange), reference.score_all(strange), strict=True)]
    return max(0.0, float(torch.stack(ratios).mean()))


def mismatched(samples: Sequence[Sample], max_length: int) -> list[Sample]:
    """Behind each prompt the nearest answer before it, in a circle, that was given to another prompt; one too long is cut."""
    starts = [int(sample.mask.nonzero()[0]) for sample in samples]
    prompts = [tuple(sample.ids[:start].tolist()) for sample, start in zip(samples, starts, strict=True)]
    found = []
    for index, prompt in enumerate(prompts):
        for back in range(1, len(samples)):
            other = (index - back) % len(samples)
            if prompts[other] != prompt:
                ids = torch.cat([samples[index].ids[: starts[index]], samples[other].ids[starts[other]:]])[:max_length]
                mask = torch.cat([samples[index].mask[: starts[index]], samples[other].mask[starts[other]:]])[:max_length]
                found.append(Sample(ids=ids, mask=mask, prompt_length=starts[index]))
                break
    return found


def with_baseline(samples: Sequence[Sample], baseline: float) -> list[Sample]:
    return [replace(sample, scalars={**sample.scalars, "baseline": baseline}) for sample in samples]


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's answers."""
    scores = turn.models["policy"].score(batch, entropy=True)
    assert scores.entropy is not None
    turn.tally.mean("entropy", scores.entropy, batch.mask)
    answers, beta = judged(config, scores.logprobs, batch), turn.live["beta"]
    tell_answers(turn.tally, answers, beta)
    return terms("kto", answers, Options(beta)).sum() / counts.sequences


def judged(config: Config, logprobs: Tensor, batch: Batch) -> Answers:
    """The answers' scores with the baseline, weighted by their mark."""
    weights = torch.where(batch.scalars["label"] > 0, config.desirable_weight, config.undesirable_weight)
    weighting = token_weights.weigh(config.token_weighting, batch.mask, ANY)
    return answers_of(logprobs, batch, weighting, baseline=batch.scalars["baseline"], weights=weights)


def tell_answers(tally: Tally, answers: Answers, beta: float) -> None:
    """`rewards/…` and `logps/…` of good and of bad answers, by TRL's names."""
    rewards = beta * answers.log_ratio.detach()
    for name, marked in (("chosen", answers.desirable), ("rejected", 1 - answers.desirable)):
        tally.mean(f"rewards/{name}", rewards, marked)
        tally.mean(f"logps/{name}", answers.policy, marked)


def tell_margin(tally: Tally) -> None:
    """`rewards/margins`, where there were answers of both kinds."""
    values = tally.values()
    if {"rewards/chosen", "rewards/rejected"} <= values.keys():
        tally.put("rewards/margins", values["rewards/chosen"] - values["rewards/rejected"])


def held_out_measures(config: Config, known: ReferenceLogProbs, turn: Turn) -> dict[str, float]:
    """The loss and the training metrics over the first `eval_limit` answers of the split, as `eval/…`."""
    samples = list(islice(turn.data["eval"].all(), config.eval_limit))
    policy, reference, tally, beta = turn.models["policy"], turn.models["reference"], Tally(), turn.live["beta"]
    baseline = baseline_of(config, policy, reference, samples)
    tally.put("kl", baseline)
    for piece in pieces_of(with_baseline(known.give(reference, samples), baseline), micro_samples=max(1, len(samples)),
                           micro_tokens=SCORE_TOKENS):
        batch = batch_of(piece, policy.device)
        with torch.no_grad():
            answers = judged(config, policy.score(batch).logprobs, batch)
        tell_answers(tally, answers, beta)
        tally.mean("loss", terms("kto", answers, Options(beta)))
    tell_margin(tally)
    return {f"eval/{name}": value for name, value in tally.values().items()}
