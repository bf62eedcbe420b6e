"""The held-out rate: how many prompts the policy answers rightly when it always takes its best token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.engine.composition import ModelView
from workers.engine.rollout.verifiers import is_right, reference_of
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.grouped import generate


@dataclass(frozen=True)
class GreedyAnswers:
    """One greedy answer per prompt; `right` tells which equal the reference."""

    rollouts: list[Rollout]
    texts: list[str]
    right: list[bool]

    @property
    def rate(self) -> float:
        """Share of right answers; 0 when there is none."""
        return sum(self.right) / max(1, len(self.right))


def answer_greedily(
    model: ModelView, samples: Sequence[Sample], tokenizer: Any, *, max_new_tokens: int, end_ids: Sequence[int]
) -> GreedyAnswers:
    """Answers the prompt of every sample (its first `prompt_length` tokens); rows without a reference are never right."""
    prompts = [sample.ids[: sample.prompt_length] for sample in samples]
    rollouts = generate(model, prompts, count=1, max_new_tokens=max_new_tokens, temperature=0.0, end_ids=end_ids)
    texts = tokenizer.batch_decode([rollout.completion_ids for rollout in rollouts], skip_special_tokens=True)
    references = [reference_of(sample.record) for sample in samples]
    right = [answer is not None and is_right(text, answer) for text, answer in zip(texts, references, strict=True)]
    return GreedyAnswers(rollouts, texts, right)
