"""Rollout events: one prompt and its group of answers, with every token's numbers, as the page shows them."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from workers.contract.events import RolloutAnswer, RolloutEvent, RolloutTokens
from workers.engine.sample import Sample

CHANNELS = {"logprobs": "policy_logprobs", "ref_logprobs": "ref_logprobs", "rewards": "token_rewards",
            "advantages": "advantages", "values": "values", "returns": "returns", "kl": "kl", "entropy": "entropy",
            "ratio": "ratio"}
"""The event's name of a per-token array, and the sample's channel that fills it."""


def rollout_event(step: int, prompt: str, reference: str | None, samples: Sequence[Sample], tokenizer: Any) -> RolloutEvent:
    """The group's samples, in order, as one event. Channels that a sample lacks stay empty."""
    return RolloutEvent(step=step, row=samples[0].row if samples[0].row >= 0 else None, prompt=prompt,
                        reference_answer=reference, answers=[answer_of(sample, tokenizer) for sample in samples])


def answer_of(sample: Sample, tokenizer: Any) -> RolloutAnswer:
    """One answer; its arrays begin after the prompt. An answer without a reward has no token rewards: they are no numbers."""
    start = sample.prompt_length
    ids = sample.ids[start:].tolist()
    held = {name: sample.channels[channel][start:] for name, channel in CHANNELS.items() if channel in sample.channels}
    arrays = {name: rounded(values) for name, values in held.items() if bool(values.isfinite().all())}
    advantage = sample.scalars.get("advantage")
    return RolloutAnswer(
        text=sample.text, reward=sample.reward, terms=sample.terms, advantage=advantage, length=len(ids),
        truncated=sample.truncated, tokens=RolloutTokens(ids=ids, texts=[tokenizer.decode([token]) for token in ids],
                                                       mask=[int(kept) for kept in sample.mask[start:].tolist()], **arrays))


def rounded(values: Tensor) -> list[float]:
    """Six digits: what a person can read, in a third of the bytes."""
    return [float(f"{value:.6g}") for value in values.tolist()]
