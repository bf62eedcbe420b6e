"""Implicit reward: what a policy that was fitted to preferences thinks of an answer, without a reward model.

r = β·Σ_t (log π(y_t) − log π_ref(y_t)) over the answer's tokens, which is the reward that DPO's policy is optimal for (arXiv
2305.18290, eq. 5; up to a number that is the same for all answers to a prompt). π is the adapter of a run that learned from
preferences, and π_ref the model it was trained on. Survey §3.1.2, `rm-implicit`, second sense. A text longer than the model's
context loses its beginning; an answer of which nothing is left has no reward.
"""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field

from workers.contract.records import Record, Text
from workers.contract.run_spec import ModelKind
from workers.engine.data.rendering import sample_of, truncate
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import declared_context, load_tokenizer
from workers.engine.modeling.models import Model, frozen
from workers.engine.rewards import Card, Place, TermParams
from workers.engine.rewards.reward_model import whole
from workers.engine.sample import Sample


class Params(TermParams):
    beta: float = Field(default=0.1, gt=0, le=100, title="β", description=(
        "What the log-ratio is multiplied by; the β that the adapter was trained with gives the reward it was trained for."))
    per_token: bool = Field(default=False, title="Per token", description=(
        "The mean over the answer's tokens in place of the sum, so that length by itself earns nothing."))


CARD = Card("Implicit reward", "How much likelier an adapter trained on preferences makes the answer than the model below.",
            (), "any number", model=ModelKind.CAUSAL, model_required=True)


class Compared:
    """The adapted model, the model below it and their tokenizer; called as a reward."""

    def __init__(self, params: Params, place: Place) -> None:
        assert place.model is not None
        ref = place.model
        if ref.adapter_path is None:
            raise ConfigFault(f"{ref.name or ref.path} is a whole model, and what it was trained on is not known.",
                              "Choose an adapter: train one on preferences with LoRA, and leave its merging off.")
        self.params, self.tokenizer = params, load_tokenizer(ref.path)
        self.policy: Model | None = frozen(ref, place.device)
        self.reference: Model | None = frozen(ref.model_copy(update={"adapter_path": None}), place.device)
        self.length = declared_context(ref.path)

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        assert self.policy is not None
        assert self.reference is not None
        samples = [self._sample(prompt, text) for prompt, text in zip(prompts, completions, strict=True)]
        known = [sample for sample in samples if bool(sample.mask.any())]
        ratios = zip(self.policy.score_all(known), self.reference.score_all(known), known, strict=True) if known else ()
        found = iter([self._reward((ours - theirs)[sample.mask]) for ours, theirs, sample in ratios])
        return [next(found) if bool(sample.mask.any()) else None for sample in samples]

    def _sample(self, prompt: Text, answer: str) -> Sample:
        kept = truncate(whole(self.tokenizer, prompt, answer), self.length, "keep_end")
        assert kept is not None
        return sample_of(kept, row=-1, record=Record())

    def _reward(self, ratios: torch.Tensor) -> float:
        return self.params.beta * float(ratios.mean() if self.params.per_token else ratios.sum())

    def close(self) -> None:
        self.policy = self.reference = None


def prepare(params: Params, place: Place) -> Compared:
    return Compared(params, place)
