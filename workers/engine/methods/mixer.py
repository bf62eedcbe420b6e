"""MIXER: from maximum likelihood to REINFORCE by a curriculum (arXiv 1511.06732).

In the form `tokens`, the paper's, the first s tokens of an answer are the reference's and trained by cross-entropy; the rest is
drawn by the policy from there and trained by REINFORCE on the reward of the whole. s begins at the curriculum's length T and
falls by Δ at every stage until nothing of the reference is left. In the form `loss`, the survey's, each prompt has its
reference and drawn answers, and the loss is λ·L_MLE + (1 − λ)·L_RL with λ falling from 1 to 0. Where the curriculum stands
follows from the step, so that a resumed run stands where it was.

Both are one policy gradient: a reference token has the advantage 1 (cross-entropy), a drawn one its own. A prompt counts the
same whether its reference is trained whole or its G answers are.

At the edge: a reference no longer than s is trained whole and nothing is drawn for it; a drawn answer without a reward trains
its reference tokens alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, Paper, Preset
from workers.contract.records import RecordKind
from workers.engine.card import card
from workers.engine.composition import Collect, Composition, Setting, Turn
from workers.engine.data.reference_answers import given, needed_ids
from workers.engine.families import online, surrogate
from workers.engine.families.online_config import DATA, METRICS, POLICY, AdvantageName, OnlineConfig
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import comparison
from workers.engine.rollout.rollouts import tell_lengths
from workers.engine.rollout.scoring import score, tell_rewards, texts_of
from workers.engine.sample import Batch, Counts, Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.training_config import Auto, again, setting


class Config(PolicyGradientConfig):
    # References are what keeps the policy where it began, and drawn tokens follow tokens that nobody drew.
    beta: ClassVar[float] = 0.0  # type: ignore[misc]
    kl_in: ClassVar[Literal["loss"]] = "loss"  # type: ignore[misc]
    kl_estimator: ClassVar[Literal["k3"]] = "k3"  # type: ignore[misc]
    mask_truncated_completions: ClassVar[bool] = False  # type: ignore[misc]
    rollouts_behind: ClassVar[Literal[0]] = 0  # type: ignore[misc]
    importance_correction: ClassVar[Literal["none"]] = "none"  # type: ignore[misc]
    importance_cap: ClassVar[float] = 3.0  # type: ignore[misc]
    dynamic_sampling: ClassVar[bool] = False  # type: ignore[misc]
    sync_ref_model: ClassVar[bool] = False  # type: ignore[misc]

    advantage: AdvantageName = again(OnlineConfig, "advantage", "leave_one_out")
    form: Literal["tokens", "loss"] = setting(
        "tokens", "Curriculum over", "The reference's first tokens, fewer at every stage (the paper); or the weight λ of the "
        "cross-entropy of whole references.", group="basic", order=18)
    xent_steps: int = setting(
        100, "Steps on references alone", "Cross-entropy before the curriculum begins.", group="basic", order=19, unit="steps",
        ge=0, le=10_000_000)
    curriculum_length: int = setting(
        0, "Curriculum length T", "Reference tokens at the start of the curriculum over tokens.", order=140, unit="tokens",
        auto=Auto(0, "longest answer", "The maximum answer length."), ge=0, le=131_072)
    stage_tokens: int = setting(
        3, "Tokens per stage Δ", "Reference tokens fewer at every stage.", order=141, unit="tokens", ge=1, le=131_072)
    stage_steps: int = setting(25, "Steps per stage", "Steps between stages.", order=142, unit="steps", ge=1, le=10_000_000)
    anneal: Literal["linear", "cosine", "step"] = setting(
        "linear", "λ falls", "Evenly, along half a cosine, or at once half-way.", order=143)
    anneal_steps: int = setting(
        500, "Steps of the fall", "Steps in which λ falls from 1 to 0.", order=144, unit="steps", ge=1, le=10_000_000)


NOT_TOLD = ("kl", "objective/kl", "sampling/", "num_gen_batches", "frac_groups_kept")
CARD = card(
    "mixer", Config, title="MIXER: likelihood to reward", family="Policy optimisation",
    papers=[Paper(title="Sequence Level Training with Recurrent Neural Networks", authors="Ranzato et al.", year=2015,
                  link="https://arxiv.org/abs/1511.06732")],
    summary="Begins with cross-entropy on reference answers and hands over to REINFORCE, last tokens first: the reward only ever "
            "teaches what the model can already nearly write.",
    formula=r"\mathcal{L} = -\sum_{t\le s}\log\pi_\theta(y^*_t|x,y^*_{<t}) - \sum_{t>s}\left(R-b\right)"
            r"\log\pi_\theta(y_t|x,y^*_{\le s},y_{s<\cdot<t}),\quad s = T, T-\Delta, T-2\Delta, \dots, 0",
    confidence="paper", left_out="The paper's linear regression as baseline: any baseline of the catalogue that needs no critic.",
    data=[DataNeed(role="train", kinds=[RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION],
                   help="Prompts with reference answers; of a demonstration the completion is the reference."), *DATA[1:]],
    models=[POLICY], needs_reward=True,
    metrics=[info for info in METRICS if not info.name.startswith(NOT_TOLD)] + [
        MetricInfo(name="mixer/xent_tokens", title="Reference tokens", panel="Curriculum", unit="tokens",
                   help="How many of an answer's first tokens are the reference's."),
        MetricInfo(name="mixer/lambda", title="Weight of the references λ", panel="Curriculum"),
        MetricInfo(name="mixer/xent_loss", title="Cross-entropy of references", panel="Loss", unit="nats/token", better="down"),
        MetricInfo(name="mixer/rl_loss", title="Loss of drawn tokens", panel="Loss"),
    ],
    presets=[
        Preset(name="default", title="Default", description="A hundred steps on references, then three tokens fewer every 25.",
               config={}),
        Preset(name="annealed", title="Annealed loss", description="The survey's form: λ·L_MLE + (1 − λ)·L_RL.",
               config={"form": "loss"}),
        demo("beta", xent_steps=5, curriculum_length=3, stage_tokens=1, stage_steps=10),
    ],
)


@dataclass(frozen=True)
class Stage:
    """Where the curriculum stands: reference tokens before drawn ones, and the weight λ of whole references."""

    tokens: int
    weight: float


@dataclass(frozen=True)
class Mixed:
    """An answer whose first `given` tokens are the reference's; `share` is what it counts among its prompt's answers."""

    prompt: Sample
    group: int
    rollout: Rollout
    given: int
    share: float

    @property
    def drawn(self) -> bool:
        return self.given < len(self.rollout.completion_ids)


def stage_of(config: Config, step: int) -> Stage:
    """The stage of a step, which counts from 1."""
    gone = step - config.xent_steps
    if config.form == "tokens":
        length = config.curriculum_length or config.max_completion_length
        return Stage(max(0, length - config.stage_tokens * max(0, math.ceil(gone / config.stage_steps))), 1.0)
    part = min(1.0, max(0.0, gone / config.anneal_steps))
    weight = {"linear": 1 - part, "cosine": (1 + math.cos(math.pi * part)) / 2, "step": float(part < 0.5)}[config.anneal]
    return Stage(0, weight)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    comparison.check_comparison(config)
    whole = online.composition(config, setting, loss=partial(loss, config))
    rollout = Collect("rollout", partial(gather, config, online.pipeline_of(setting)))
    return replace(whole, cycle=tuple(rollout if isinstance(phase, Collect) else phase for phase in whole.cycle))


def gather(config: Config, pipeline: Pipeline, turn: Turn) -> list[Sample]:
    """A step's answers of the present stage, scored, compared, and their tokens weighed as the loss reads them."""
    stage = stage_of(config, turn.step)
    turn.tally.put("mixer/xent_tokens", stage.tokens)
    turn.tally.put("mixer/lambda", stage.weight)
    prompts = turn.data["train"].take(config.prompts_per_step)
    mixed = (by_tokens if config.form == "tokens" else by_loss)(config, stage, prompts, turn)
    drawn = [one for one in mixed if one.drawn]
    samples = [sample_of(one, turn) for one in mixed if not one.drawn] + scored(config, pipeline, drawn, turn)
    for sample in samples:
        sample.channels["advantages"] = sample.scalars.pop("share") * len(samples) / len(prompts) * torch.where(
            sample.channels["reference"] > 0, 1.0, sample.channels["advantages"])
    return sorted(samples, key=lambda sample: sample.group)


def by_tokens(config: Config, stage: Stage, prompts: Sequence[Sample], turn: Turn) -> list[Mixed]:
    """References that are no longer than the stage's tokens, whole; of the others so many, and G answers drawn from there."""
    found, begun = [], []
    ends = end_ids_of(turn.tokenizer, turn.models["policy"].module)
    for group, prompt in enumerate(prompts):
        ids = reference_of_prompt(config, prompt, turn)
        if len(ids) <= stage.tokens:
            found.append(Mixed(prompt, group, given(prompt, ids, end_ids=ends), len(ids), 1.0))
        else:
            begun.append((group, prompt, ids[: stage.tokens]))
    return found + drawn_after(config, begun, turn, share=1 / config.num_generations)


def by_loss(config: Config, stage: Stage, prompts: Sequence[Sample], turn: Turn) -> list[Mixed]:
    """Every reference with weight λ, where that is not 0, and G answers drawn from nothing with the rest, where there is one."""
    ends = end_ids_of(turn.tokenizer, turn.models["policy"].module)
    whole = [(group, prompt, reference_of_prompt(config, prompt, turn)) for group, prompt in enumerate(prompts)]
    found = [Mixed(prompt, group, given(prompt, ids, end_ids=ends), len(ids), stage.weight) for group, prompt, ids in whole]
    if stage.weight == 1.0:
        return found
    begun = [(group, prompt, ids[:0]) for group, prompt, ids in whole]
    drawn = drawn_after(config, begun, turn, share=(1 - stage.weight) / config.num_generations)
    return drawn if stage.weight == 0.0 else found + drawn


def reference_of_prompt(config: Config, prompt: Sample, turn: Turn) -> Tensor:
    return needed_ids(turn.tokenizer, prompt, longest=config.max_completion_length, instead="REINFORCE")


def drawn_after(config: Config, begun: Sequence[tuple[int, Sample, Tensor]], turn: Turn, *, share: float) -> list[Mixed]:
    """G answers to each prompt that go on from its reference's first tokens, all equally many."""
    if not begun:
        return []
    policy, count = turn.models["policy"], config.num_generations
    known = len(begun[0][2])
    turn.say(f"writing {len(begun) * count} answers")
    rollouts = generate(
        policy, [torch.cat([prompt.ids, ids]) for _, prompt, ids in begun], count=count,
        max_new_tokens=config.max_completion_length - known, temperature=turn.live["temperature"], top_p=config.top_p,
        top_k=config.top_k, min_p=config.min_p, end_ids=end_ids_of(turn.tokenizer, policy.module), max_rows=config.rollout_rows)
    turn.say("")
    return [Mixed(prompt, group, Rollout(prompt.ids, torch.cat([ids, rollout.completion_ids]),
                                         torch.cat([torch.zeros(known), rollout.logprobs]), rollout.ended), known, share)
            for (group, prompt, ids), rollout in zip([one for one in begun for _ in range(count)], rollouts, strict=True)]


def scored(config: Config, pipeline: Pipeline, drawn: Sequence[Mixed], turn: Turn) -> list[Sample]:
    """Drawn answers with rewards and advantages."""
    if not drawn:
        return []
    prompts, rollouts = [one.prompt for one in drawn], [one.rollout for one in drawn]
    rewards = score(pipeline, prompts, rollouts, texts_of(turn.tokenizer, rollouts))
    tell_rewards(turn.tally, pipeline, rewards)
    tell_lengths(turn.tally, rollouts)
    samples = [sample_of(one, turn) for one in drawn]
    for index, (sample, total) in enumerate(zip(samples, rewards.total.tolist(), strict=True)):
        sample.reward, sample.terms = None if math.isnan(total) else total, rewards.of(index)
    comparison.compare_answers(config, (), turn, samples)
    return samples


def sample_of(one: Mixed, turn: Turn) -> Sample:
    """The answer as a sample; its channel `reference` is 1 on the reference's tokens."""
    text, = texts_of(turn.tokenizer, [one.rollout])
    sample = one.rollout.sample(row=one.prompt.row, record=one.prompt.record, group=one.group, text=text)
    nothing = torch.zeros(len(sample))
    known = nothing.clone()
    known[len(one.prompt.ids): len(one.prompt.ids) + one.given] = 1
    sample.channels |= {"reference": known, "advantages": nothing, "token_rewards": nothing}
    sample.scalars |= {"share": one.share, "advantage": 0.0}
    return sample


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's −c·log π, with c the weight of a reference token or the advantage of a drawn one."""
    found = surrogate.surrogate(config, turn, batch, counts)
    known = batch.channel("reference") > 0
    turn.tally.mean("mixer/xent_loss", -found.logprobs, batch.mask & known)
    turn.tally.mean("mixer/rl_loss", -batch.channel("advantages") * found.logprobs, batch.mask & ~known)
    return found.loss
