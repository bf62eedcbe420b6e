"""Reward model: a trained model's one number for prompt and answer, as its own tokenizer and chat template write them.

The score stands at the last token that is no padding, as transformers' sequence classifiers pool, so that it equals what
AutoModelForSequenceClassification gives for the same tokens. A text longer than the model's context loses its beginning.
Of an outcome model the number is log-odds; its own term gives the chance.
"""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from workers.contract.records import Record, Text
from workers.contract.run_spec import ModelKind
from workers.engine.data.pairs import render_answer
from workers.engine.data.rendering import Rendered, text_of, truncate
from workers.engine.faults import ModelFault
from workers.engine.modeling.loading import declared, declared_context, load_tokenizer
from workers.engine.modeling.models import SCORE_TOKENS, Model, frozen, pieces_of
from workers.engine.modeling.reward_heads import Objective, check_head
from workers.engine.reward_models import answer_scores
from workers.engine.rewards import Card, Place, TermParams
from workers.engine.sample import Sample, batch_of


class Params(TermParams):
    max_length: int = Field(default=0, ge=0, le=1_000_000, title="Maximum length", description=(
        "Tokens of prompt and answer that the model reads; what is longer loses its beginning. 0: its context."),
        json_schema_extra={"x-unit": "tokens"})
    batch_tokens: int = Field(default=SCORE_TOKENS, ge=256, le=1_048_576, title="Tokens at once", description=(
        "Fewer need less memory; scores do not change."), json_schema_extra={"x-unit": "tokens"})


CARD = Card("Reward model", "The score that a trained reward model gives to prompt and answer.", (), "any number",
            model=ModelKind.REWARD, model_required=True)


ACCEPTED: tuple[Objective, ...] = ("preference", "outcome", "regression")


class Scored:
    """The model and its tokenizer; called as a reward. See `scores`. `wanted` are the kinds of model that the term reads."""

    def __init__(self, params: Params, place: Place, *, wanted: Sequence[Objective] = ACCEPTED, several: bool = False,
                 remedy: str = "Ask a process model by its own term, and an ensemble by its own.") -> None:
        assert place.model is not None
        ref = place.model
        self.head = check_head(ref, wanted, several=several, remedy=remedy)
        self.tokenizer = load_tokenizer(ref.path)
        if len(self.tokenizer) > declared(ref.path)["vocab_size"]:
            raise ModelFault(f"The reward model's tokenizer knows {len(self.tokenizer)} tokens and the model fewer.",
                             "Register the model with the tokenizer it was trained with.")
        self.model: Model | None = frozen(ref, place.device, heads=self.head.heads)
        self.length = min(params.max_length or declared_context(ref.path), declared_context(ref.path))
        self.batch_tokens = params.batch_tokens

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        return [float(score) for score in self.scores(prompts, completions)]

    def scores(self, prompts: Sequence[Text], completions: Sequence[str]) -> Tensor:
        """The model's numbers for each prompt and answer, [B], of E heads [B,E]."""
        assert self.model is not None
        rows = [rendered(self.tokenizer, prompt, text, self.length)
                for prompt, text in zip(prompts, completions, strict=True)]
        return scores(self.model, rows, batch_tokens=self.batch_tokens)

    def close(self) -> None:
        self.model = None


def prepare(params: Params, place: Place) -> Scored:
    return Scored(params, place)


def whole(tokenizer: Any, prompt: Text, answer: str) -> Rendered:
    """Prompt and answer as the model was trained on them. A template-less model reads turns as plain text."""
    if tokenizer.chat_template is None and not isinstance(prompt, str):
        prompt = text_of(prompt) + "\nassistant: "
    return render_answer(tokenizer, Record(prompt=prompt), answer)


def rendered(tokenizer: Any, prompt: Text, answer: str, length: int) -> list[int]:
    """Token ids of prompt and answer, the last `length` of them."""
    kept = truncate(whole(tokenizer, prompt, answer), length, "keep_end")
    assert isinstance(kept, Rendered)
    return kept.ids


def scores(model: Model, rows: Sequence[Sequence[int]], *, batch_tokens: int = SCORE_TOKENS) -> Tensor:
    """Scores [B] (of E heads [B,E]) of token rows, in order. Rows are taken longest first: a batch holds rows of like length."""
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    found: list[Tensor] = []
    with torch.no_grad():
        for piece in pieces_of([sample_of_ids(rows[index]) for index in order], micro_samples=max(1, len(rows)),
                               micro_tokens=batch_tokens):
            found.append(answer_scores(model, batch_of(piece, model.device), model.module.config.pad_token_id).cpu())
    return torch.cat(found)[torch.tensor(order).argsort()] if found else torch.empty(0)


def sample_of_ids(ids: Sequence[int]) -> Sample:
    return Sample(ids=torch.tensor(list(ids), dtype=torch.int64), mask=torch.ones(len(ids), dtype=torch.bool))
