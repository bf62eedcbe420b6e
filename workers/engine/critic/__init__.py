"""Critic: what methods with a value function share. A role whose head is scalar says what each state is worth.

The state of token t is everything before it: its value is the head's output after token t − 1. Values, rewards, advantages
and returns are all indexed by the token that acts, as log-probs are (B sequences, T tokens). `gae` makes advantages and
returns of token rewards and values, `clipped_value` the critic's loss.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.engine.composition import ModelView
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.sample import Batch, Sample, batch_of


def state_values(critic: ModelView, batch: Batch) -> Tensor:
    """V [B,T] of the state in which each token of the batch's mask was chosen; 0 off the mask. Entry 0 has no state."""
    after = critic.values(batch, where=F.pad(batch.mask[:, 1:], (0, 1)))
    return F.pad(after[:, :-1], (1, 0))


def all_state_values(critic: ModelView, samples: Sequence[Sample]) -> list[Tensor]:
    """`state_values` [T] of each sample without gradient, on the CPU, in micro-batches, in the order of `samples`."""
    found: list[Tensor] = []
    with torch.no_grad():
        for piece in pieces_of(samples, micro_samples=len(samples), micro_tokens=SCORE_TOKENS):
            rows = state_values(critic, batch_of(piece, critic.device)).cpu()
            found += [row[: len(sample)] for row, sample in zip(rows, piece, strict=True)]
    return found


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 − Var(R − V)/Var(R) over the masked tokens: 1 is perfect, 0 no better than a constant; NaN where R is constant."""
    targets, errors = returns[mask.bool()], (returns - values)[mask.bool()]
    spread = targets.var(correction=0) if len(targets) else targets.new_zeros(())
    return 1 - errors.var(correction=0) / spread if spread > 0 else targets.new_tensor(torch.nan)
