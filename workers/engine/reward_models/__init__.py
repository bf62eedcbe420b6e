"""Reward models: losses over the scores of a pair's sides, and the score itself. P pairs, B samples, T tokens.

Every member has `terms(chosen, rejected, …) -> Tensor`: scores [P] of both sides to one loss a pair; whoever calls divides
by the number of pairs. To add one, add a file.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.engine.composition import ModelView
from workers.engine.models import SCORE_TOKENS, pieces_of
from workers.engine.sample import Batch, Sample, batch_of


def answer_scores(model: ModelView, batch: Batch, pad_token_id: int | None) -> Tensor:
    """The scalar head's output [B] for each whole text: at its last token that is not padding.

    That is where AutoModelForSequenceClassification reads it. A tokenizer that pads with its end token makes the two
    indistinguishable, so that the score stands before the end token there, and so it does here. None: nothing is padding.
    """
    steps = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    text = steps < batch.lengths[:, None]
    if pad_token_id is not None:
        text &= batch.ids != pad_token_id
    last = (text * steps).amax(1)
    return model.values(batch, where=steps == last[:, None]).sum(-1)


def score_all(model: ModelView, samples: Sequence[Sample], pad_token_id: int | None) -> Tensor:
    """No-gradient scores [B] on the CPU, in the order of `samples`, whose groups stand together."""
    with torch.no_grad():
        pieces = pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS, keep_groups=True)
        found = [answer_scores(model, batch_of(piece, model.device), pad_token_id).cpu() for piece in pieces]
    return torch.cat(found) if found else torch.empty(0)
