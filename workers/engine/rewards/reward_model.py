"""Reward model: a trained model's one number for prompt and answer, as its own tokenizer and chat template write them.

The score stands at the last token that is no padding, as transformers' sequence classifiers pool, so that it equals what
AutoModelForSequenceClassification gives for the same tokens. A text longer than the model's context loses its beginning.
"""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field

from workers.contract.records import Record, Text
from workers.contract.run_spec import ModelKind
from workers.engine.faults import ModelFault
from workers.engine.loading import declared, declared_context, load_tokenizer
from workers.engine.models import SCORE_TOKENS, Model, frozen, pieces_of
from workers.engine.pairs import render_answer
from workers.engine.rendering import Rendered, text_of, truncate
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


class Scored:
    """The model and its tokenizer; called as a reward. See `scores`."""

    def __init__(self, params: Params, place: Place) -> None:
        assert place.model is not None
        ref = place.model
        self.tokenizer = load_tokenizer(ref.path)
        if len(self.tokenizer) > declared(ref.path)["vocab_size"]:
            raise ModelFault(f"The reward model's tokenizer knows {len(self.tokenizer)} tokens and the model fewer.",
                             "Register the model with the tokenizer it was trained with.")
        self.model: Model | None = frozen(ref, place.device)
        self.length = min(params.max_length or declared_context(ref.path), declared_context(ref.path))
        self.batch_tokens = params.batch_tokens

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        assert self.model is not None
        rows = [rendered(self.tokenizer, prompt, text, self.length)
                for prompt, text in zip(prompts, completions, strict=True)]
        return list(scores(self.model, rows, batch_tokens=self.batch_tokens))

    def close(self) -> None:
        self.model = None


def prepare(params: Params, place: Place) -> Scored:
    return Scored(params, place)


def rendered(tokenizer: Any, prompt: Text, answer: str, length: int) -> list[int]:
    """Token ids of prompt and answer as the model was trained on them. A template-less model reads turns as plain text."""
    if tokenizer.chat_template is None and not isinstance(prompt, str):
        prompt = text_of(prompt) + "\nassistant: "
    kept = truncate(render_answer(tokenizer, Record(prompt=prompt), answer), length, "keep_end")
    assert isinstance(kept, Rendered)
    return kept.ids


def scores(model: Model, rows: Sequence[Sequence[int]], *, batch_tokens: int = SCORE_TOKENS) -> list[float]:
    """Scores of token rows, in order. Rows are taken longest first, so that a batch holds rows of like length."""
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    samples = [Sample(ids=torch.tensor(list(rows[index]), dtype=torch.int64), mask=torch.ones(len(rows[index]), dtype=torch.bool))
               for index in order]
    found: list[float] = []
    with torch.no_grad():
        for piece in pieces_of(samples, micro_samples=max(1, len(rows)), micro_tokens=batch_tokens):
            found += answer_scores(model, batch_of(piece, model.device), model.module.config.pad_token_id).tolist()
    placed = dict(zip(order, found, strict=True))
    return [placed[index] for index in range(len(rows))]
