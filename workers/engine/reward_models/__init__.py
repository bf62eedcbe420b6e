"""Reward models: losses over the scores of answers, and the score itself. P pairs, B samples, T tokens, E heads.

Every member has `terms(scores, …) -> Tensor`: scores and what people said of them to one loss each, for a pair, a ranking, an
answer or a step; whoever calls divides by their number. To add one, add a file.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.engine.composition import ModelView
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.sample import Batch, Sample, batch_of


def last_tokens(batch: Batch, pad_token_id: int | None) -> Tensor:
    """[B,T] bool: each text's last token that is not padding, which is where AutoModelForSequenceClassification reads.

    A tokenizer that pads with its end token makes the two indistinguishable, so that the score stands before the end token
    there, and so it does here. None: nothing is padding.
    """
    steps = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    text = steps < batch.lengths[:, None]
    if pad_token_id is not None:
        text &= batch.ids != pad_token_id
    return steps == (text * steps).amax(1)[:, None]


def answer_scores(model: ModelView, batch: Batch, pad_token_id: int | None) -> Tensor:
    """The scalar head's output [B] (of E > 1 heads [B,E]) for each whole text: at its `last_tokens`."""
    return model.values(batch, where=last_tokens(batch, pad_token_id)).sum(1)


def score_all(model: ModelView, samples: Sequence[Sample], pad_token_id: int | None) -> Tensor:
    """No-gradient scores [B] or [B,E] on the CPU, in the order of `samples`, whose groups stand together."""
    with torch.no_grad():
        pieces = pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS, keep_groups=True)
        found = [answer_scores(model, batch_of(piece, model.device), pad_token_id).cpu() for piece in pieces]
    return torch.cat(found) if found else torch.empty(0)
