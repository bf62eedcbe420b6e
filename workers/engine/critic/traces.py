"""Eligibility traces (Sutton 1988): the backward view of TD(λ), offline, with values held fixed within an answer.

    e_t = γλ·e_{t−1} + ∇V_t,   Δφ = Σ_t δ_t·e_t,   δ_t = r_t + γ·V_{t+1} − V_t

The sum over an answer equals that of the forward view, Σ_t A^λ_t·∇V_t with the advantages of `gae`: each error is handed back
to the states before it, instead of each state looking ahead at the errors to come. B answers, T tokens.
"""

import torch
from torch import Tensor


def traced(values: Tensor, mask: Tensor, *, decay: float) -> Tensor:
    """Σ_{s≤t} decay^{t−s}·V_s [B,T] over the tokens of the mask [B,T], 0 off it; its gradient is the trace e_t."""
    inside = mask.bool()
    trace, found = torch.zeros_like(values[:, 0]), []
    for t in range(values.shape[1]):
        trace = torch.where(inside[:, t], decay * trace + values[:, t], trace)
        found.append(torch.where(inside[:, t], trace, 0.0))
    return torch.stack(found, 1)


def terms(values: Tensor, errors: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Tensor:
    """−sg[δ_t]·E_t per token [B,T]: the gradient of their sum is −Σ_t δ_t·e_t. The value is no error and says nothing."""
    return -errors.detach() * traced(values, mask, decay=gamma * lam)
