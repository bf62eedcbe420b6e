"""What stands on the next token that counts."""

import torch
from torch import Tensor


def following(values: Tensor, mask: Tensor) -> Tensor:
    """For each place of `values` [B,T] the value at the next place where `mask` [B,T] is True; 0 behind the last."""
    found, last = torch.zeros_like(values), torch.zeros_like(values[:, 0])
    for place in range(values.shape[1] - 1, -1, -1):
        found[:, place] = last
        last = torch.where(mask[:, place], values[:, place], last)
    return found
