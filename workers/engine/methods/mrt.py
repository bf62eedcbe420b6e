"""Minimum risk training (arXiv 1512.02433): the expected risk over a set of candidate answers to each prompt.

The candidates are the different ones among the answers drawn and, where the row has one, the reference answer. The risk of
each is 1 − reward, however the reward is made; the policy's own probabilities, sharpened by α, weigh them, and the gradient
runs through the weights. There is no sampling in the loss: what was drawn only says which answers are looked at.

At the edge: an answer without a reward is no candidate; a single candidate, or candidates of equal risk, teach nothing.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.engine.advantages import estimator
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.answered_prompts import prompts_of
from workers.engine.data.reference_answers import given, reference_ids
from workers.engine.families import online
from workers.engine.families.online_config import DATA, METRICS, POLICY, OnlineConfig, ReductionName
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.families.surrogate import keep, tell_loss
from workers.engine.group_losses import minimum_risk
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import comparison
from workers.engine.rollout.scoring import samples_of, score, texts_of
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.sampler.ends import end_ids_of
from workers.engine.training.training_config import again, setting


class Config(PolicyGradientConfig):
    advantage: ClassVar[str] = "group_centred"  # type: ignore[misc]
    credit: ClassVar[str] = "last_token"  # type: ignore[misc]
    reduction: ClassVar[ReductionName] = "seq_mean_token_sum"  # type: ignore[misc]
    beta: ClassVar[float] = 0.0  # type: ignore[misc]
    kl_in: ClassVar[Literal["loss"]] = "loss"  # type: ignore[misc]
    kl_estimator: ClassVar[Literal["k3"]] = "k3"  # type: ignore[misc]
    entropy_coef: ClassVar[float] = 0.0  # type: ignore[misc]
    use_adaptive_entropy: ClassVar[bool] = False  # type: ignore[misc]
    top_entropy_quantile: ClassVar[float] = 1.0  # type: ignore[misc]
    rollouts_behind: ClassVar[Literal[0]] = 0  # type: ignore[misc]
    importance_correction: ClassVar[Literal["none"]] = "none"  # type: ignore[misc]
    importance_cap: ClassVar[float] = 3.0  # type: ignore[misc]
    sync_ref_model: ClassVar[bool] = False  # type: ignore[misc]
    # A candidate is weighed whole or not at all.
    mask_truncated_completions: ClassVar[bool] = False  # type: ignore[misc]

    num_generations: int = again(OnlineConfig, "num_generations", 8, "Answers drawn for each prompt; equal ones count once.")
    alpha: float = setting(
        0.005, "Sharpness α", "How much the policy's own preference weighs the candidates: 1 is its probabilities, near 0 "
        "weighs all alike.", group="basic", order=18, gt=0, le=10)
    add_reference: bool = setting(
        True, "Add the reference answer", "The row's reference is a candidate beside those drawn, where there is one.", order=107)


NOT_TOLD = ("kl", "objective/kl", "policy_loss", "clip_ratio/", "sampling/", "entropy_coef")
CARD = card(
    "mrt", Config, title="Minimum risk training", family="Policy optimisation",
    papers=[Paper(title="Minimum Risk Training for Neural Machine Translation", authors="Shen et al.", year=2015,
                  link="https://arxiv.org/abs/1512.02433")],
    summary="Draws candidates, adds the reference answer, and lowers the expected risk (1 − reward) under the policy's own "
            "weights on them. Learns from the reference and from its own mistakes at once.",
    formula=r"\mathcal{L} = \sum_{y\in Y}Q(y)\,\Delta(y),\quad Q(y) = \frac{\pi_\theta(y|x)^\alpha}"
            r"{\sum_{y'\in Y}\pi_\theta(y'|x)^\alpha},\quad \Delta(y) = 1-R(y)",
    confidence="paper", data=DATA, models=[POLICY], needs_reward=True,
    metrics=[info for info in METRICS if not info.name.startswith(NOT_TOLD)] + [
        MetricInfo(name="risk", title="Expected risk", panel="Loss", better="down", help="Mean over prompts of Σ Q·(1 − R)."),
        MetricInfo(name="mrt/candidates", title="Candidates", panel="Policy", help="Different answers to a prompt, mean."),
        MetricInfo(name="mrt/effective_candidates", title="Candidates that carry weight", panel="Policy",
                   help="1 / Σ Q², mean over prompts."),
    ],
    presets=[
        Preset(name="default", title="Default", description="Eight answers and the reference, the paper's sharpness.", config={}),
        demo("beta"),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting, compare=partial(compare, config, online.pipeline_of(setting)),
                              loss=partial(loss, config))


def compare(config: Config, pipeline: Pipeline, turn: Turn, samples: list[Sample]) -> None:
    """Makes of a step's answers the sets of candidates: the same answer once, and the reference where there is one."""
    comparison.tell_groups(turn.tally, samples)
    if config.add_reference:
        samples += references(config, pipeline, turn, samples)
    different: dict[tuple[int, ...], Sample] = {}
    for sample in samples:
        different.setdefault((sample.group, *sample.ids.tolist()), sample)
    samples[:] = sorted(different.values(), key=lambda sample: sample.group)
    turn.tally.put("mrt/candidates", len(samples) / max(1, len({sample.group for sample in samples})))
    batch = batch_of(samples)
    # For the page: what each candidate's gradient is weighed by while the weights are nearly even.
    token_rewards = comparison.penalised(config, turn, batch)
    difference = estimator(config.advantage)(token_rewards, batch.mask, batch.groups)
    comparison.hand_out(samples, token_rewards, difference)


def references(config: Config, pipeline: Pipeline, turn: Turn, samples: list[Sample]) -> list[Sample]:
    """The reference answers of the samples' prompts, scored as drawn ones are."""
    end_ids = end_ids_of(turn.tokenizer, turn.models["policy"].module)
    prompts, rollouts = [], []
    for prompt in prompts_of(samples):
        ids = reference_ids(turn.tokenizer, prompt.record, longest=config.max_completion_length)
        if ids is not None:
            prompts.append(prompt)
            rollouts.append(given(prompt, ids, end_ids=end_ids))
    if not prompts:
        return []
    texts = texts_of(turn.tokenizer, rollouts)
    return samples_of(prompts, rollouts, texts, score(pipeline, prompts, rollouts, texts),
                             [prompt.group for prompt in prompts])


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's share of the mean over prompts of the expected risk; groups are whole."""
    scores = turn.models["policy"].score(batch, temperature=turn.live["temperature"], entropy=True)
    whole = torch.where(batch.mask, scores.logprobs, 0.0).sum(-1)
    found = minimum_risk.risk(whole, 1 - batch.rewards, batch.groups, alpha=config.alpha)
    risk = found.terms.sum() / max(counts.groups, 1.0)
    tell_loss(turn.tally, "risk", risk, counts)
    turn.tally.mean("mrt/effective_candidates", minimum_risk.effective(found.weights, batch.groups))
    if scores.entropy is not None:
        turn.tally.mean("entropy", scores.entropy, batch.mask)
    if turn.wants_rollouts:
        keep(batch, {"policy_logprobs": scores.logprobs})
    return risk
