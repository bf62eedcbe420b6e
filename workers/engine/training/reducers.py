"""Reducers: per-token terms [B,T] to a scalar, by a named denominator that counts the whole batch, not the piece.

B sequences, T tokens. An optimizer step may see its batch in micro-batches; each calls `reduce` with the step's
global `Counts`, and the sum over the micro-batches equals the reduction of the whole batch (except for
`token_mean_local`, which divides by its own piece's tokens, as TRL's `bnpo` does, and is averaged over the pieces).
A sequence without a token adds 0; whether it counts as a sequence is up to whoever counted (`counts_of`: it does not).
"""

from enum import StrEnum

import torch
from torch import Tensor

from workers.engine.sample import Counts


class Reduction(StrEnum):
    """How per-token losses become one number. TRL's loss types: dapo, bnpo, grpo, (none), dr_grpo."""

    TOKEN_MEAN = "token_mean"  # noqa: S105 - a token here is a piece of text
    TOKEN_MEAN_LOCAL = "token_mean_local"  # noqa: S105 - a token here is a piece of text
    SEQ_MEAN_TOKEN_MEAN = "seq_mean_token_mean"  # noqa: S105 - a token here is a piece of text
    SEQ_MEAN_TOKEN_SUM = "seq_mean_token_sum"  # noqa: S105 - a token here is a piece of text
    CONST = "const"


def reduce(terms: Tensor, mask: Tensor, counts: Counts, how: Reduction) -> Tensor:
    """Scalar of `terms` [B,T] where `mask` [B,T] is 1; what is masked may be anything, NaN included.

    token_mean Σ/tokens; seq_mean_token_mean mean over sequences of their token means; seq_mean_token_sum mean over
    sequences of their sums; const Σ/(sequences·counts.length) (Dr.GRPO, arXiv 2503.20783). No token at all gives 0.
    """
    kept = torch.where(mask.bool(), terms * 1.0, torch.zeros((), dtype=terms.dtype, device=terms.device))
    weights = mask.to(terms.dtype)
    if how is Reduction.TOKEN_MEAN:
        return kept.sum() / max(counts.tokens, 1.0)
    if how is Reduction.TOKEN_MEAN_LOCAL:
        return kept.sum() / weights.sum().clamp(min=1.0) / counts.pieces
    sequences = max(counts.sequences, 1.0)
    if how is Reduction.SEQ_MEAN_TOKEN_MEAN:
        return (kept.sum(-1) / weights.sum(-1).clamp(min=1.0)).sum() / sequences
    if how is Reduction.SEQ_MEAN_TOKEN_SUM:
        return kept.sum() / sequences
    return kept.sum() / (sequences * counts.length)


def weighted_mean(terms: Tensor, weights: Tensor, total: float) -> Tensor:
    """Σ weights·terms / total over [B,T]; what has weight 0 may be anything, NaN included. No weight at all gives 0.

    `total` is the weights' sum over the whole step (`Counts.weights`), so that any cut into micro-batches gives the same.
    """
    kept = torch.where(weights != 0, terms, torch.zeros((), dtype=terms.dtype, device=terms.device))
    return (kept * weights).sum() / (total if total > 0 else 1.0)
