"""What every method that learns from its own answers shares: prompts, groups of answers, rewards, their curves.

Legend: B answers of a step, K reward terms, T tokens of the longest sequence.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from workers.contract.records import Message, Record, RecordKind
from workers.engine.advantages import centred, group_count, group_sum
from workers.engine.composition import Setting, Stream, Turn
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.rendering import prompt_ids
from workers.engine.reward_pipeline import Pipeline, Rewards
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.greedy_match import answer_greedily, end_ids_of, reference_of
from workers.engine.tally import Tally


def pipeline_of(setting: Setting) -> Pipeline:
    """The run's reward. Raises ConfigFault when there is none, or when a term needs a column that no row can have."""
    if setting.spec.reward is None:
        raise ConfigFault("This method needs a reward and the run has none.", "Add at least one reward term.")
    pipeline = Pipeline(setting.spec.reward)
    train = setting.spec.datasets.get("train")
    if train is None:
        raise ConfigFault("The run has no training data.", "Choose a data set of prompts.")
    if train.kind is RecordKind.PROMPT and "answer" in pipeline.columns:
        needs = ", ".join(term.name for term in pipeline.terms if "answer" in term.columns)
        raise ConfigFault(f"The reward needs reference answers ({needs}), and the data set has only prompts.",
                          "Choose a data set with answers, or terms that do without them (pattern, format, length).")
    return pipeline


def render_prompt(setting: Setting, record: Record, row: int, *, longest: int, room: int) -> list[Sample]:
    """The prompt as a sample without trained tokens; nothing when it leaves no `room` for an answer.

    Prompt and answer together have the model's context, and at most `longest` tokens.

    Raises DataFault for a row without a prompt.
    """
    if record.prompt is None:
        raise DataFault(f"Row {row + 1} has no prompt.", "Choose a data set of prompts, demonstrations or prompts with answers.")
    ids = torch.tensor(prompt_ids(setting.tokenizer, record.prompt, record.tools), dtype=torch.int64)
    if len(ids) == 0 or len(ids) + room > min(longest, setting.context_length):
        return []
    return [Sample(ids=ids, mask=torch.zeros(len(ids), dtype=torch.bool), prompt_length=len(ids), row=row, record=record,
                   text=text_of(record.prompt))]


def text_of(prompt: str | list[Message]) -> str:
    """A prompt as the page shows it: the text, or each turn under its role."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"{message.role}: {message.content}" for message in prompt)


def planned_steps(max_steps: int, epochs: float, prompts_per_step: int, data: Mapping[str, Stream]) -> int:
    """Steps of the plan: as set when positive, else from the epochs."""
    return max_steps if max_steps > 0 else max(1, math.ceil(data["train"].rows * epochs / prompts_per_step))


def texts_of(tokenizer: Any, rollouts: Sequence[Rollout]) -> list[str]:
    """What the answers say, without the marks that end them."""
    return list(tokenizer.batch_decode([rollout.completion_ids.tolist() for rollout in rollouts], skip_special_tokens=True))


def score(pipeline: Pipeline, prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str]) -> Rewards:
    """Rewards of the answers; `prompts` names the prompt of each. Data-set columns go to the terms by name."""
    records = [prompt.record or Record() for prompt in prompts]
    names = sorted({name for record in records for name in record.extra} - {"prompts", "completions", "completion_ids", "params"})
    columns: dict[str, list[Any]] = {name: [record.extra.get(name) for record in records] for name in names}
    columns["answer"] = [reference_of(prompt) for prompt in prompts]
    return pipeline.score(prompts=[prompt.text for prompt in prompts], completions=texts,
                          completion_ids=[rollout.completion_ids.tolist() for rollout in rollouts], columns=columns)


def samples_of(prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str], rewards: Rewards,
               groups: Sequence[int]) -> list[Sample]:
    """The answers as samples: completion tokens masked in, behaviour log-probs, text, reward and its terms, group."""
    totals = rewards.total.tolist()
    return [rollout.sample(row=prompt.row, record=prompt.record, group=group, text=text, terms=rewards.of(index),
                           reward=None if math.isnan(totals[index]) else totals[index])
            for index, (prompt, rollout, text, group) in enumerate(zip(prompts, rollouts, texts, groups, strict=True))]


def tell_rewards(tally: Tally, pipeline: Pipeline, rewards: Rewards, groups: Tensor) -> None:
    """`reward`, `reward_std` (mean deviation of a group), `frac_reward_zero_std`, and each term's mean and deviation."""
    total = rewards.total
    finite = total.isfinite()
    if bool(finite.any()):
        tally.put("reward", total[finite].mean())
    deviation = group_deviation(total, groups)
    tally.put("reward_std", deviation.mean())
    tally.put("frac_reward_zero_std", (deviation < 1e-8).float().mean())
    for column, name in enumerate(pipeline.names):
        values = rewards.terms[:, column]
        values = values[values.isfinite()]
        if len(values):
            tally.put(f"rewards/{name}/mean", values.mean())
            tally.put(f"rewards/{name}/std", values.std() if len(values) > 1 else torch.zeros(()))


def group_deviation(values: Tensor, groups: Tensor) -> Tensor:
    """Bessel-corrected deviation [B] of each row's group over its finite values; 0 for a group of one."""
    squares = group_sum(centred(values, groups).square(), groups)
    return (squares / (group_count(values, groups) - 1).clamp(min=1)).sqrt()


def tell_lengths(tally: Tally, rollouts: Sequence[Rollout]) -> None:
    """`completions/…`: mean, shortest, longest, mean of the ended ones, and the share that was cut."""
    lengths = torch.tensor([float(len(rollout.completion_ids)) for rollout in rollouts])
    ended = torch.tensor([rollout.ended for rollout in rollouts])
    tally.put("completions/mean_length", lengths.mean())
    tally.put("completions/min_length", lengths.min())
    tally.put("completions/max_length", lengths.max())
    tally.put("completions/clipped_ratio", (~ended).float().mean())
    if bool(ended.any()):
        tally.put("completions/mean_terminated_length", lengths[ended].mean())


def held_out_measures(turn: Turn, pipeline: Pipeline, *, limit: int, max_new_tokens: int) -> dict[str, float]:
    """`eval/exact_match` where rows have references, and `eval/reward`, over greedy answers to the first rows."""
    samples = list(islice(turn.data["eval"].all(), limit))
    if not samples:
        return {}
    policy = turn.models["policy"]
    answers = answer_greedily(policy, samples, turn.tokenizer, max_new_tokens=max_new_tokens,
                              end_ids=end_ids_of(turn.tokenizer, policy.module))
    total = score(pipeline, samples, answers.rollouts, answers.texts).total
    found = {"eval/reward": float(total[total.isfinite()].mean())} if bool(total.isfinite().any()) else {}
    if any(reference_of(sample) is not None for sample in samples):
        found["eval/exact_match"] = answers.rate
    return found
