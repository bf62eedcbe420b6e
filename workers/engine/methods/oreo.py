"""OREO: offline reinforcement learning from marked answers by the soft Bellman equation (arXiv 2412.16145; survey §3.2.7).

One turn reads N answers with a 0/1 outcome, finds their reference log-probs (once for each, see `reference`), takes one step of
the critic and then one of the policy, each with its own optimizer, on the squares of `critic.soft_bellman`: mean over an
answer's states, then over answers. The policy's loss adds α times its divergence from the reference over the whole vocabulary,
the mean over tokens, then over answers. Failures teach as successes do: both kinds should be there.

At the edge: an answer without tokens is left out; where all outcomes are equal the critic learns that constant and the policy
moves only as far as the reference's own differences go.
"""

from functools import partial
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record
from workers.contract.run_spec import ModelKind
from workers.engine.card import card
from workers.engine.composition import Collect, Composition, Evaluation, Fit, Role, Setting, Turn
from workers.engine.critic import soft_bellman, state_values
from workers.engine.data import marked_answers, pairs
from workers.engine.data.pairs import LeftOut
from workers.engine.data.rendering import Truncation
from workers.engine.data.steps import text_ends, token_ends
from workers.engine.divergences import against
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.modeling.reference import ReferenceLogProbs, reference_role
from workers.engine.modeling.reference_cache import cache_of
from workers.engine.sample import Batch, Counts, Sample, batch_of, counts_of
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import Auto, TrainingConfig, chosen_learning_rate, scaled_learning_rate
from workers.engine.training.training_config import setting as field

PLACES = ("first", "middle", "last")


class Config(TrainingConfig):
    per_device_train_batch_size: int = field(
        16, "Batch size per device", "Answers computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="answers", ge=1, le=4096)
    truncation_mode: Truncation = field(
        "keep_start", "Too long answers", "Cut their ends, cut the beginning of the prompt, or leave them out.", order=42)
    beta: float = field(
        0.03, "β", "How strongly the policy is tied to the reference: smaller lets it go further.", group="basic", order=43,
        live=True, gt=0, le=100)
    critic_learning_rate: float = field(
        0.0, "Critic's learning rate", "How far each step moves the critic's weights; 0 chooses by the model's size.",
        group="basic", order=11, live=True, auto=Auto(0, "auto", "Chosen by the model's size."), ge=0, le=1)
    states: Literal["token", "step", "response"] = field(
        "token", "States", "Where values stand: before every token, every step, or the whole answer (DRO).", group="basic",
        order=44)
    step_separator: str = field("\n", "Step separator", "What stands between two steps of an answer.", order=45, min_length=1,
                                max_length=20)
    kl_alpha: float = field(
        0.01, "KL weight α", "Weight of the divergence from the reference over the whole vocabulary; 0 does not compute it.",
        order=46, live=True, ge=0, le=100)
    objective: Literal["oreo", "pcl", "single_step"] = field(
        "oreo", "Objective", "OREO's stopped gradients; path consistency, with the policy's gradient through all later tokens; "
        "or residuals of single steps.", order=47)
    critic_warmup_steps: int = field(
        0, "Critic alone for", "Steps at the beginning in which only the critic learns.", order=48, unit="steps", ge=0,
        le=10_000_000)
    critic_use_peft: bool = field(
        True, "Adapter for the critic", "With an adapter on, the critic trains one and its head; off trains all its weights.",
        order=66)


METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean of the value and the policy loss."),
    MetricInfo(name="loss/value", title="Value loss", panel="Loss", better="down", help="Mean square of V + βΛ − R."),
    MetricInfo(name="loss/policy", title="Policy loss", panel="Loss", better="down", help="Without the divergence."),
    MetricInfo(name="kl_reg", title="KL to the reference", panel="KL", unit="nats/token", help="Over the whole vocabulary."),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
    MetricInfo(name="advantages", title="Mean advantage", panel="Policy", help="R − V − βΛ over states."),
    MetricInfo(name="critic/values/mean", title="Mean value", panel="Critic", help="Of a state: its chance of success."),
    MetricInfo(name="max_value", title="Highest value", panel="Critic"),
    MetricInfo(name="min_value", title="Lowest value", panel="Critic"),
    MetricInfo(name="logps/chosen", title="Log-prob of good answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="logps/rejected", title="Log-prob of bad answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="critic/learning_rate", title="Critic's learning rate", panel="Critic"),
    MetricInfo(name="critic/grad_norm", title="Critic's gradient norm", panel="Critic"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Loss", better="down"),
    MetricInfo(name="eval/loss/value", title="Held-out value loss", panel="Loss", better="down"),
    MetricInfo(name="eval/loss/policy", title="Held-out policy loss", panel="Loss", better="down"),
    MetricInfo(name="eval/logps/chosen", title="Held-out log-prob of good answers", panel="Log-probs", unit="nats"),
    MetricInfo(name="eval/logps/rejected", title="Held-out log-prob of bad answers", panel="Log-probs", unit="nats"),
    *(MetricInfo(name=f"eval/value_auc/{place}", title=f"Outcome foreseen at the {place} state", panel="Critic", better="up",
                 help="Chance that a good answer's value is above a bad one's (AUC); ½ knows nothing.") for place in PLACES),
    *pairs.METRICS,
]

CARD = card(
    "oreo", Config, title="Offline reasoning optimisation", family="Preference optimisation",
    papers=[Paper(title="Offline Reinforcement Learning for LLM Multi-Step Reasoning", authors="Wang et al.", year=2024,
                  link="https://arxiv.org/abs/2412.16145"),
            Paper(title="Bridging the Gap Between Value and Policy Based Reinforcement Learning", authors="Nachum et al.",
                  year=2017, link="https://arxiv.org/abs/1702.08892"),
            Paper(title="Offline Regularised Reinforcement Learning for Large Language Models Alignment",
                  authors="Richemond et al.", year=2024, link="https://arxiv.org/abs/2405.19107")],
    summary="Learns from solutions that are right or wrong, no pairs needed, which of their steps mattered: a critic foresees "
            "the outcome at every token, and the policy moves where it was surprised.",
    formula=r"\mathcal{L}_V = \big(V_t + \beta\Lambda_t - R\big)^2,\quad "
            r"\mathcal{L}_\pi = \big(V_t + \beta(\ell_t + \mathrm{sg}[\Lambda_{t+1}]) - R\big)^2 + \alpha\,"
            r"\mathrm{KL}(\pi_\theta\|\pi_{ref}),\quad \Lambda_t = \sum_{i\ge t}\log\frac{\pi_\theta}{\pi_{ref}}",
    confidence="code", left_out="Truncated importance weights; a dual variable for a target divergence.",
    data=marked_answers.DATA,
    models=[
        ModelNeed(role="policy", help="The model that is trained, best the one that wrote the answers."),
        ModelNeed(role="reference", required=False,
                  help="What the policy is tied to. Left out, it is the model that the run starts from."),
        ModelNeed(role="critic", kinds=[ModelKind.CAUSAL, ModelKind.REWARD], required=False,
                  help="Where the critic starts. Empty: the policy, with a fresh head."),
    ],
    presets=[
        Preset(name="default", title="Tokens", description="A value before every token; all weights."),
        Preset(name="steps", title="Steps", description="A value before every step of the answer.", config={"states": "step"}),
        Preset(name="response", title="Whole answers", description="One value an answer (DRO).", config={"states": "response"}),
        Preset(name="lora", title="LoRA", description="Policy and critic train adapters.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: two minutes on two cores.",
               config={"per_device_train_batch_size": 64, "max_steps": 60, "learning_rate": 1e-4, "critic_learning_rate": 5e-4,
                       "lr_scheduler_type": "constant", "warmup_ratio": 0.0, "max_length": 32, "eval_steps": 10,
                       "eval_limit": 256}),
    ],
    metrics=METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Policy, critic and reference. Raises ConfigFault for answers or a reference that do not fit the policy."""
    pairs.check_length(config, setting)
    left_out, held_out = LeftOut(), "eval" in setting.spec.datasets
    known, known_held_out = (ReferenceLogProbs(cache_of(setting.spec, role)) for role in ("train", "eval"))
    count = config.per_device_train_batch_size * config.gradient_accumulation_steps
    adapted = config.use_peft and config.critic_use_peft

    def collect(turn: Turn) -> list[Sample]:
        samples = turn.data["train"].take(count)
        pairs.tell(turn, left_out)
        return known.give(turn.models["reference"], samples)

    rate = chosen_learning_rate(config, setting.parameters, at_7b=5e-6, highest=1e-3 if config.use_peft else 2e-4)
    critic_rate = config.critic_learning_rate or scaled_learning_rate(
        setting.parameters, at_7b=5e-6, highest=5e-3 if adapted else 5e-4, adapted=adapted)
    critic = Role("critic", trained=True, head="scalar", weights="critic" if "critic" in setting.spec.models else "policy",
                  learning_rate="critic_learning_rate", adapter=config.critic_use_peft)
    size = config.per_device_train_batch_size
    return Composition(
        roles=(Role("policy", trained=True), critic, reference_role(setting, config.max_length)),
        cycle=(Collect("read", collect),
               Fit("value", ("critic",), partial(value_loss, config), micro_samples=size),
               Fit("policy", ("policy",), partial(policy_loss, config), micro_samples=size)),
        data={"train": partial(render, config, setting, left_out), "eval": partial(render, config, setting, LeftOut())},
        total_steps=lambda data: pairs.planned_steps(config, data, marked_answers.answers_per_row(setting.spec)),
        live={"learning_rate": rate, "critic_learning_rate": critic_rate, "beta": config.beta, "kl_alpha": config.kl_alpha},
        evaluations=(Evaluation("eval", partial(held_out_measures, config, known_held_out)),) if held_out else (),
        state={"reference": known, "reference_eval": known_held_out},
        best=("eval/loss", "down") if held_out else None,
    )


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """Marked answers with channel `states` [T], 1 where a value stands. Raises DataFault."""
    found = marked_answers.render_marked(setting.tokenizer, record, row, max_length=config.max_length,
                                         mode=config.truncation_mode, left_out=left_out)
    return [sample.with_channel("states", states(config, setting, sample).float()) for sample in found]


def states(config: Config, setting: Setting, sample: Sample) -> Tensor:
    """Where values stand [T]; a step begins with the token after the one that closes the step before."""
    if config.states == "token":
        return sample.mask
    first = soft_bellman.first_states(sample.mask[None])[0]
    if config.states == "response":
        return first
    ids = sample.ids[sample.mask].tolist()
    text = setting.tokenizer.decode(ids, skip_special_tokens=True)
    starts = [end + 1 for end in token_ends(setting.tokenizer, ids, text_ends(text, config.step_separator)[:-1])]
    trained = sample.mask.nonzero().squeeze(-1)
    first[trained[[start for start in starts if start < len(trained)]]] = True
    return first


def value_loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the critic's loss; the policy is only read."""
    with torch.no_grad():
        logprobs = turn.models["policy"].score(batch).logprobs
    values = state_values(turn.models["critic"], batch)
    found = value_squares(config, turn.live["beta"], batch, values, logprobs)
    tell_values(turn.tally, batch, values.detach(), logprobs, turn.live["beta"])
    turn.tally.sum("loss/value", loss := over_states(found, batch, counts))
    return loss


def policy_loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the policy's loss with the divergence; nothing while the critic warms up."""
    if turn.step <= config.critic_warmup_steps:
        return torch.zeros((), device=batch.ids.device)
    alpha = turn.live["kl_alpha"]
    target = against(turn.models["reference"], batch, name="reverse_kl") if alpha else None
    scores = turn.models["policy"].score(batch, entropy=True, against=target)
    assert scores.entropy is not None
    turn.tally.mean("entropy", scores.entropy, batch.mask)
    tell_logprobs(turn.tally, batch, scores.logprobs)
    with torch.no_grad():
        values = state_values(turn.models["critic"], batch)
    loss = over_states(policy_squares(config, turn.live["beta"], batch, values, scores.logprobs), batch, counts)
    turn.tally.sum("loss/policy", loss)
    if scores.compared is None:
        return loss
    turn.tally.mean("kl_reg", scores.compared.divergence, batch.mask)
    return loss + alpha * reduce(scores.compared.divergence, batch.mask, counts, Reduction.SEQ_MEAN_TOKEN_MEAN)


def over_states(terms: Tensor, batch: Batch, counts: Counts) -> Tensor:
    """Mean over each answer's states, then over answers."""
    return reduce(terms, batch.channel("states"), counts, Reduction.SEQ_MEAN_TOKEN_MEAN)


def what_lies_ahead(batch: Batch, logprobs: Tensor) -> soft_bellman.Ahead:
    return soft_bellman.ahead(logprobs - batch.channel("ref_logprobs"), batch.mask, batch.channel("states") > 0)


def value_squares(config: Config, beta: float, batch: Batch, values: Tensor, logprobs: Tensor) -> Tensor:
    """The critic's squares [B,T]; gradients in `values` alone."""
    found, outcomes = what_lies_ahead(batch, logprobs.detach()), batch.scalars["label"]
    if config.objective == "single_step":
        return soft_bellman.single_step_terms(values, found, outcomes, batch.channel("states") > 0, beta=beta)
    return soft_bellman.value_terms(values, found, outcomes, beta=beta)


def policy_squares(config: Config, beta: float, batch: Batch, values: Tensor, logprobs: Tensor) -> Tensor:
    """The policy's squares [B,T]; gradients in `logprobs` alone."""
    found, outcomes = what_lies_ahead(batch, logprobs), batch.scalars["label"]
    if config.objective == "single_step":
        return soft_bellman.single_step_terms(values.detach(), found, outcomes, batch.channel("states") > 0, beta=beta)
    return soft_bellman.policy_terms(values, found, outcomes, beta=beta, whole_gradient=config.objective == "pcl")


def tell_values(tally: Tally, batch: Batch, values: Tensor, logprobs: Tensor, beta: float) -> None:
    """What the critic thinks of the states, before it learns."""
    here = batch.channel("states")
    tally.mean("critic/values/mean", values, here)
    tally.highest("max_value", values[here > 0])
    tally.lowest("min_value", values[here > 0])
    ahead = what_lies_ahead(batch, logprobs)
    tally.mean("advantages", batch.scalars["label"][:, None] - values - beta * ahead.suffix, here)


def tell_logprobs(tally: Tally, batch: Batch, logprobs: Tensor) -> None:
    """`logps/…` of good and of bad answers."""
    whole, good = torch.where(batch.mask, logprobs, 0.0).sum(-1), batch.scalars["label"]
    tally.mean("logps/chosen", whole, good)
    tally.mean("logps/rejected", whole, 1 - good)


def held_out_measures(config: Config, known: ReferenceLogProbs, turn: Turn) -> dict[str, float]:
    """Both losses and how well the outcome is foreseen, over the first `eval_limit` answers of the split, as `eval/…`."""
    samples = known.give(turn.models["reference"], list(islice(turn.data["eval"].all(), config.eval_limit)))
    tally, beta, counts = Tally(), turn.live["beta"], counts_of(samples)
    values: list[Tensor] = []
    for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS):
        batch = batch_of(piece, turn.models["policy"].device)
        with torch.no_grad():
            logprobs = turn.models["policy"].score(batch).logprobs
            found = state_values(turn.models["critic"], batch)
        tell_logprobs(tally, batch, logprobs)
        for name, squares in (("value", value_squares), ("policy", policy_squares)):
            tally.sum(f"loss/{name}", over_states(squares(config, beta, batch, found, logprobs), batch, counts))
        values += [row[batch.channel("states")[index] > 0].cpu() for index, row in enumerate(found)]
    told = tally.values()
    if samples:
        told["loss"] = (told["loss/value"] + told["loss/policy"]) / 2
    outcomes = torch.tensor([sample.scalars["label"] for sample in samples])
    for place in PLACES:
        at = torch.stack([here[{"first": 0, "middle": len(here) // 2, "last": -1}[place]] for here in values])
        if (area := auc(at, outcomes)) is not None:
            told[f"value_auc/{place}"] = area
    return {f"eval/{name}": value for name, value in told.items()}


def auc(scores: Tensor, outcomes: Tensor) -> float | None:
    """Chance that a good answer's score [n] is above a bad one's, ties half; None where all outcomes are alike."""
    good, bad = scores[outcomes > 0], scores[outcomes <= 0]
    if not len(good) or not len(bad):
        return None
    gaps = good[:, None] - bad[None]
    return float(((gaps > 0).float() + (gaps == 0).float() / 2).mean())
