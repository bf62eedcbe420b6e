"""DPO: the policy is fitted to preferences directly, its log-ratio to a reference being the reward (arXiv 2305.18290).

One turn reads P pairs, finds the reference's log-probs of the answers (once for each pair, see `reference`) and takes one
step on the mean of `preference.<loss_type>` over the pairs. The reference is the run's own model where it names one; else
the model the run starts from: the policy with its adapter off, or a frozen copy. Survey §3.2.6.

At the edge: a pair that cannot be told apart is left out (see `pairs`).
"""

from functools import partial
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import RecordKind
from workers.engine import pairs
from workers.engine.card import card
from workers.engine.composition import Collect, Composition, Evaluation, Fit, Role, Setting, Turn
from workers.engine.models import SCORE_TOKENS, pieces_of
from workers.engine.preference import Answers, Options, answers_of, terms
from workers.engine.reference import ReferenceLogProbs, reference_role
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.tally import Tally
from workers.engine.training_config import HELD_OUT_COUNT, chosen_learning_rate
from workers.engine.training_config import setting as field


class Config(pairs.PairConfig):
    beta: float = field(
        0.1, "β", "How strongly the policy is tied to the reference: smaller lets it go further.", group="basic", order=43,
        live=True, gt=0, le=100)
    loss_type: Literal["sigmoid", "hinge", "ipo"] = field(
        "sigmoid", "Loss", "DPO's logistic loss; the hinge, which stops where a pair is clear; IPO, which aims at a set "
        "difference and resists sure labels.", order=44)
    label_smoothing: float = field(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round (logistic loss only).", order=45,
        ge=0, lt=0.5)


METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean over pairs."),
    MetricInfo(name="rewards/accuracies", title="Accuracy", panel="Accuracy", better="up",
               help="Share of pairs whose chosen answer has the higher implicit reward."),
    MetricInfo(name="rewards/margins", title="Margin", panel="Reward", better="up", help="Mean reward of chosen − rejected."),
    MetricInfo(name="rewards/chosen", title="Reward of chosen", panel="Reward", help="β·(log π − log π_ref)."),
    MetricInfo(name="rewards/rejected", title="Reward of rejected", panel="Reward"),
    MetricInfo(name="logps/chosen", title="Log-prob of chosen", panel="Log-probs", unit="nats",
               help="Of whole answers. When it falls together with that of rejected answers, both are being unlearned."),
    MetricInfo(name="logps/rejected", title="Log-prob of rejected", panel="Log-probs", unit="nats"),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Loss", better="down"),
    MetricInfo(name="eval/rewards/accuracies", title="Held-out accuracy", panel="Accuracy", better="up",
               share_of="eval/samples"),
    HELD_OUT_COUNT,
    MetricInfo(name="eval/rewards/margins", title="Held-out margin", panel="Reward", better="up"),
    MetricInfo(name="eval/rewards/chosen", title="Held-out reward of chosen", panel="Reward"),
    MetricInfo(name="eval/rewards/rejected", title="Held-out reward of rejected", panel="Reward"),
    MetricInfo(name="eval/logps/chosen", title="Held-out log-prob of chosen", panel="Log-probs", unit="nats"),
    MetricInfo(name="eval/logps/rejected", title="Held-out log-prob of rejected", panel="Log-probs", unit="nats"),
    *pairs.METRICS,
]

CARD = card(
    "dpo", Config, title="Direct preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
                  authors="Rafailov et al.", year=2023, link="https://arxiv.org/abs/2305.18290"),
            Paper(title="A General Theoretical Paradigm to Understand Learning from Human Preferences",
                  authors="Azar et al.", year=2023, link="https://arxiv.org/abs/2310.12036")],
    summary="Learns from pairs of answers without a reward model and without sampling: preferred answers become likelier, "
            "the others less likely, relative to the model it began from.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta\log\frac{\pi_\theta(y_w\mid x)}{\pi_{ref}(y_w\mid x)}"
            r" - \beta\log\frac{\pi_\theta(y_l\mid x)}{\pi_{ref}(y_l\mid x)}\right)",
    confidence="code",
    data=[DataNeed(role="train", kinds=[RecordKind.PREFERENCE], help="Prompts with a chosen and a rejected answer."),
          DataNeed(role="eval", kinds=[RecordKind.PREFERENCE], required=False, help="Held-out pairs.")],
    models=[ModelNeed(role="policy", help="The model that is trained, best one that was taught to answer first."),
            ModelNeed(role="reference", required=False,
                      help="What the policy is tied to. Left out, it is the model that the run starts from.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights; a frozen copy is the reference."),
        Preset(name="lora", title="LoRA", description="A small adapter; the model without it is the reference.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="ipo", title="IPO", description="For labels that are surer than they should be.",
               config={"loss_type": "ipo"}),
    ],
    metrics=METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """A trained policy and its reference. Raises ConfigFault for pairs or a reference that do not fit the policy."""
    pairs.check_length(config, setting)
    left_out, held_out = pairs.LeftOut(), "eval" in setting.spec.datasets
    known, known_held_out = ReferenceLogProbs(), ReferenceLogProbs()

    def collect(turn: Turn) -> list[Sample]:
        count = config.per_device_train_batch_size * config.gradient_accumulation_steps
        return known.give(turn.models["reference"], pairs.take(turn, count, left_out))

    rate = chosen_learning_rate(config, setting.parameters, at_7b=5e-7, highest=5e-4 if config.use_peft else 5e-5)
    return Composition(
        roles=(Role("policy", trained=True), reference_role(setting, config.max_length)),
        cycle=(Collect("read", collect),
               Fit("fit", ("policy",), partial(loss, config), micro_samples=2 * config.per_device_train_batch_size,
                   keep_groups=True)),
        data={"train": pairs.renderer(config, setting, left_out), "eval": pairs.renderer(config, setting, pairs.LeftOut())},
        total_steps=lambda data: pairs.planned_steps(config, data),
        live={"learning_rate": rate, "beta": config.beta},
        evaluations=(Evaluation("eval", partial(held_out_measures, config, known_held_out)),) if held_out else (),
        state={"reference": known, "reference_eval": known_held_out},
        best=("eval/loss", "down") if held_out else None,
    )


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's pairs."""
    scores = turn.models["policy"].score(batch, entropy=True)
    assert scores.entropy is not None
    turn.tally.mean("entropy", scores.entropy, batch.mask)
    answers, beta = answers_of(scores.logprobs, batch), turn.live["beta"]
    tell_answers(turn.tally, answers, beta)
    return terms(config.loss_type, answers, Options(beta, config.label_smoothing)).sum() / counts.groups


def tell_answers(tally: Tally, answers: Answers, beta: float) -> None:
    """`rewards/…` and `logps/…` of a micro-batch's pairs, by TRL's names."""
    chosen, rejected = pairs.sides(beta * answers.log_ratio.detach())
    tally.mean("rewards/chosen", chosen)
    tally.mean("rewards/rejected", rejected)
    tally.mean("rewards/margins", chosen - rejected)
    tally.mean("rewards/accuracies", (chosen > rejected).float())
    for name, logps in zip(("chosen", "rejected"), pairs.sides(answers.policy), strict=True):
        tally.mean(f"logps/{name}", logps)


def held_out_measures(config: Config, known: ReferenceLogProbs, turn: Turn) -> dict[str, float]:
    """The loss and the training metrics over the first `eval_limit` pairs of the split, as `eval/…`."""
    samples = known.give(turn.models["reference"], list(islice(turn.data["eval"].all(), 2 * config.eval_limit)))
    policy, tally, beta = turn.models["policy"], Tally(), turn.live["beta"]
    for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS, keep_groups=True):
        batch = batch_of(piece, policy.device)
        with torch.no_grad():
            answers = answers_of(policy.score(batch).logprobs, batch)
        tell_answers(tally, answers, beta)
        tally.mean("loss", terms(config.loss_type, answers, Options(beta, config.label_smoothing)))
    tally.put("samples", len(samples) // 2)
    return {f"eval/{name}": value for name, value in tally.values().items()}
