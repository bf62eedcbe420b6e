"""A step's answers: drawn from the policy, scored by the reward pipeline, told as curves, made into samples.

Legend: B answers of a step, K reward terms.
"""

import math
from collections.abc import Callable, Sequence

import torch

from workers.engine.composition import Turn
from workers.engine.data.steps import give_steps
from workers.engine.families.online_config import OnlineConfig
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout.comparison import group_deviation
from workers.engine.rollout.held_answers import HeldAnswers
from workers.engine.rollout.off_policy import proximal_needed
from workers.engine.rollout.scoring import samples_of, score, tell_rewards, texts_of
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.tally import Tally

Compare = Callable[[Turn, list[Sample]], None]
"""Gives each of a step's answers the channels `token_rewards` and `advantages`, and whatever else the loss reads."""


def collect(config: OnlineConfig, pipeline: Pipeline, compare: Compare, held: HeldAnswers | None, turn: Turn) -> list[Sample]:
    """A step's answers with rewards, advantages and what the loss needs of others; of the step before where some are `held`."""
    samples = draw(config, pipeline, turn) if held is None else held.swap(lambda: draw(config, pipeline, turn))
    temperature = turn.live["temperature"]
    if turn.live.get("beta", 0.0) > 0:
        give(samples, "ref_logprobs", turn.models["reference"].score_all(samples, temperature=temperature))
    if proximal_needed(config):
        give(samples, "proximal_logprobs", turn.models["policy"].score_all(samples, temperature=temperature))
    compare(turn, samples)
    if config.mask_truncated_completions:
        for sample in samples:
            sample.mask &= not sample.truncated
    return samples


def give(samples: Sequence[Sample], name: str, rows: Sequence[torch.Tensor]) -> None:
    """Leaves each sample its row as the channel `name`."""
    for sample, row in zip(samples, rows, strict=True):
        sample.channels[name] = row


def draw(config: OnlineConfig, pipeline: Pipeline, turn: Turn) -> list[Sample]:
    """Scored answers to a step's prompts; with dynamic sampling to as many as it takes to have that many groups that teach.

    A group teaches when its rewards differ. At most `max_generation_batches` are drawn: what teaches by then is the step,
    smaller than planned; when nothing does, it is the last batch drawn, which changes nothing.
    """
    samples = write(config, pipeline, turn)
    if not config.dynamic_sampling:
        return samples
    kept, drawn, batches = teaching(samples), config.prompts_per_step, 1
    while len(kept) < config.prompts_per_step and batches < config.max_generation_batches:
        samples = write(config, pipeline, turn)
        kept, drawn, batches = kept + teaching(samples), drawn + config.prompts_per_step, batches + 1
    turn.tally.mean("num_gen_batches", batches)
    turn.tally.mean("frac_groups_kept", len(kept) / drawn)
    for number, group in enumerate(kept):
        for sample in group:
            sample.group = number
    return [sample for group in kept[:config.prompts_per_step] for sample in group] or samples


def teaching(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The groups whose rewards are not all equal, of the answers that have one."""
    rewards = torch.tensor([math.nan if sample.reward is None else sample.reward for sample in samples], dtype=torch.float64)
    deviation = group_deviation(rewards, torch.tensor([sample.group for sample in samples]))
    groups: dict[int, list[Sample]] = {}
    for sample, spread in zip(samples, deviation.tolist(), strict=True):
        if spread >= EQUAL:
            groups.setdefault(sample.group, []).append(sample)
    return list(groups.values())


EQUAL = 1e-8
"""Rewards of a group that deviate less are one reward."""


def write(config: OnlineConfig, pipeline: Pipeline, turn: Turn) -> list[Sample]:
    """One batch of answers with their rewards; tells of both."""
    chosen = turn.data["train"].take(config.prompts_per_step)
    policy = turn.models["policy"]
    turn.say(f"writing {len(chosen) * config.num_generations} answers")
    rollouts = generate(
        policy, [prompt.ids for prompt in chosen], count=config.num_generations, max_new_tokens=config.max_completion_length,
        temperature=turn.live["temperature"], top_p=config.top_p, top_k=config.top_k, min_p=config.min_p,
        end_ids=end_ids_of(turn.tokenizer, policy.module), max_rows=config.rollout_rows)
    turn.say("")
    prompts = [prompt for prompt in chosen for _ in range(config.num_generations)]
    groups = [index for index in range(len(chosen)) for _ in range(config.num_generations)]
    texts = texts_of(turn.tokenizer, rollouts)
    rewards = score(pipeline, prompts, rollouts, texts)
    tell_rewards(turn.tally, pipeline, rewards)
    tell_lengths(turn.tally, rollouts)
    samples = samples_of(prompts, rollouts, texts, rewards, groups)
    if rewards.steps is not None:
        give_steps(turn.tokenizer, samples, rewards.steps)
    if news := pipeline.news():
        turn.warn(news)
    return samples


def tell_lengths(tally: Tally, rollouts: Sequence[Rollout]) -> None:
    """`completions/…`: mean, shortest, longest, mean of the ended ones, and the share that was cut."""
    lengths = torch.tensor([float(len(rollout.completion_ids)) for rollout in rollouts])
    ended = torch.tensor([rollout.ended for rollout in rollouts])
    tally.mean("completions/mean_length", lengths)
    tally.lowest("completions/min_length", lengths)
    tally.highest("completions/max_length", lengths)
    tally.mean("completions/clipped_ratio", (~ended).float())
    tally.mean("completions/mean_terminated_length", lengths, ended)
