"""Answers and their rewards: what they say, what the pipeline gives them, the curves of that, the samples they become.

Legend: B answers, K reward terms.
"""

import math
from collections.abc import Sequence
from typing import Any

from workers.contract.records import Record
from workers.engine.rewarding.reward_pipeline import Pipeline, Rewards, measures
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Rollout, Sample
from workers.engine.training.tally import Tally


def texts_of(tokenizer: Any, rollouts: Sequence[Rollout]) -> list[str]:
    """What the answers say, without the marks that end them."""
    return list(tokenizer.batch_decode([rollout.completion_ids.tolist() for rollout in rollouts], skip_special_tokens=True))


def score(pipeline: Pipeline, prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str]) -> Rewards:
    """Rewards of the answers; `prompts` names the prompt of each. Data-set columns go to the terms by name."""
    records = [prompt.record or Record() for prompt in prompts]
    names = sorted({name for record in records for name in record.extra} - {"prompts", "completions", "completion_ids", "params"})
    columns: dict[str, list[Any]] = {name: [record.extra.get(name) for record in records] for name in names}
    columns["answer"] = [reference_of(prompt.record) for prompt in prompts]
    asked = [prompt.text if record.prompt is None else record.prompt for prompt, record in zip(prompts, records, strict=True)]
    return pipeline.score(prompts=asked, completions=texts, columns=columns, groups=_numbered(prompts),
                          completion_ids=[rollout.completion_ids.tolist() for rollout in rollouts])


def _numbered(prompts: Sequence[Sample]) -> list[int]:
    """For each answer the number of its prompt: the same sample is the same prompt."""
    first: dict[int, int] = {}
    return [first.setdefault(id(prompt), len(first)) for prompt in prompts]


def samples_of(prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str], rewards: Rewards,
               groups: Sequence[int]) -> list[Sample]:
    """The answers as samples: completion tokens masked in, behaviour log-probs, text, reward and its terms, group."""
    totals = rewards.total.tolist()
    return [rollout.sample(row=prompt.row, record=prompt.record, group=group, text=text, terms=rewards.of(index),
                           reward=None if math.isnan(totals[index]) else totals[index])
            for index, (prompt, rollout, text, group) in enumerate(zip(prompts, rollouts, texts, groups, strict=True))]


def tell_rewards(tally: Tally, pipeline: Pipeline, rewards: Rewards) -> None:
    """`reward` over the answers that have one, and the curves of each term."""
    total = rewards.total
    finite = total.isfinite()
    if bool(finite.any()):
        tally.mean("reward", total[finite])
    for name, value in measures(pipeline, rewards).items():
        tally.mean(name, value, len(total))
