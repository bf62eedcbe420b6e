"""The held-out rate: how many prompts the policy answers rightly when it always takes its best token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.engine.composition import ModelView
from workers.engine.rewards import exact_match, numeric_match
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


def is_right(text: str, answer: str) -> bool:
    """Equal as text up to spaces, or ending in the same number (which reads GSM8K's `#### n`)."""
    if exact_match.score(text, answer, exact_match.Params()) == 1:
        return True
    return numeric_match.score(text, answer, numeric_match.Params()) == 1


def answer_greedily(
    model: ModelView, samples: Sequence[Sample], tokenizer: Any, *, max_new_tokens: int, end_ids: Sequence[int]
) -> GreedyAnswers:
    """Answers the prompt of every sample (its first `prompt_length` tokens); rows without a reference are never right."""
    prompts = [sample.ids[: sample.prompt_length] for sample in samples]
    rollouts = generate(model, prompts, count=1, max_new_tokens=max_new_tokens, temperature=0.0, end_ids=end_ids)
    texts = tokenizer.batch_decode([rollout.completion_ids for rollout in rollouts], skip_special_tokens=True)
    references = [reference_of(sample) for sample in samples]
    right = [answer is not None and is_right(text, answer) for text, answer in zip(texts, references, strict=True)]
    return GreedyAnswers(rollouts, texts, right)


def reference_of(sample: Sample) -> str | None:
    """The reference answer of the sample's record: its `answer`, else its completion's text."""
    record = sample.record
    if record is None or record.answer is not None:
        return None if record is None else record.answer
    if isinstance(record.completion, list):
        return record.completion[-1].content if record.completion else None
    return record.completion


def end_ids_of(tokenizer: Any, module: Any = None) -> list[int]:
    """The tokens that end an answer: the tokenizer's, and those of the model's generation config."""
    found = {tokenizer.eos_token_id}
    more = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
    found |= set(more) if isinstance(more, list) else {more}
    return sorted(token for token in found if token is not None)
