"""A perplexity filter for pairs: answers that the reference would hardly write are not learned from. Survey §3.2.6.

The threshold is a percentile of the reference's perplexities of its own answers to the same prompts; a pair is dropped where
either answer (or the chosen one alone) lies above it. PP(y) = exp(−(1/T)·Σ_t log π_ref(y_t)). At percentile 100, answers that
the reference wrote itself all stay.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal

import torch
from torch import Tensor

from workers.engine.composition import Turn
from workers.engine.sample import Sample
from workers.engine.sampler.grouped import generate

Judged = Literal["both", "chosen"]

PROMPTS = 128
"""Prompts that the reference answers for the threshold, once, when the run begins."""


def perplexity(logprobs: Tensor) -> float:
    """exp(−mean) of the log-probs [T] of one answer's tokens; 1 for an answer without any."""
    return float((-logprobs.double().mean()).exp()) if len(logprobs) else 1.0


class PerplexityFilter:
    """Knows the threshold once it has been measured; a `composition.Stateful`."""

    def __init__(self, percentile: float, judged: Judged) -> None:
        self._percentile, self._judged = percentile, judged
        self._threshold: float | None = None

    def keep(self, turn: Turn, samples: Sequence[Sample], max_length: int) -> list[Sample]:
        """The pairs (samples 2k and 2k + 1, with channel `ref_logprobs`) that stay; tells `ppl/…`."""
        if self._threshold is None:
            self._threshold = self._measure(turn, max_length)
        found = [perplexity(sample.channels["ref_logprobs"][sample.mask]) for sample in samples]
        turn.tally.put("ppl/threshold", self._threshold)
        kept: list[Sample] = []
        for at in range(0, len(samples), 2):
            chosen, rejected = found[at:at + 2]
            stays = max(chosen, rejected if self._judged == "both" else chosen) <= self._threshold
            turn.tally.mean("ppl/chosen", chosen)
            turn.tally.mean("ppl/rejected", rejected)
            turn.tally.mean("ppl/kept_fraction", float(stays))
            kept += samples[at:at + 2] if stays else []
        return kept

    def _measure(self, turn: Turn, max_length: int) -> float:
        turn.say("measuring the reference's own perplexity")
        shown = list(islice(turn.data["train"].all(), 0, 2 * PROMPTS, 2))
        starts = [int(sample.mask.nonzero()[0]) for sample in shown]
        longest = max(len(sample) - start for sample, start in zip(shown, starts, strict=True))
        prompts = [sample.ids[:start] for sample, start in zip(shown, starts, strict=True) if start]
        room = max(1, min(longest, max_length - max(map(len, prompts))))
        answers = generate(turn.models["reference"], prompts, count=1, max_new_tokens=room, temperature=1.0,
                           end_ids=[turn.tokenizer.eos_token_id])
        own = torch.tensor([perplexity(answer.logprobs) for answer in answers], dtype=torch.float64)
        return float(own.quantile(self._percentile / 100))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {"threshold": self._threshold}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self._threshold = values["threshold"]
