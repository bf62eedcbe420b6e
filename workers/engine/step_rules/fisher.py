"""Products with a policy's Fisher matrix F, which is the Hessian of the mean KL(π_old‖π_θ) at θ = θ_old.

F·v = ∇(∇KL·v): the KL over the whole vocabulary is differentiated twice, so that F never stands anywhere. N tokens,
V vocabulary. The logits of one piece of the samples are held at a time.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_kl(old: Tensor, new: Tensor) -> Tensor:
    """Σ_v π_old·(log π_old − log π_new) summed over N tokens, of log-distributions [N,V]; gradient to both that have one."""
    return torch.where(old.isfinite(), old.exp() * (old - new), 0.0).sum()


def product(logs: Tensor, parameters: Sequence[Tensor], vector: Tensor) -> Tensor:
    """N·F·v [n] for the log-distributions [N,V] of the present parameters, differentiable twice, and `vector` [n]."""
    kl = mean_kl(logs.detach(), logs)
    slope = flat(torch.autograd.grad(kl, parameters, create_graph=True, allow_unused=True), parameters)
    return flat(torch.autograd.grad(slope.dot(vector), parameters, allow_unused=True), parameters).detach()


def flat(tensors: Sequence[Tensor | None], like: Sequence[Tensor]) -> Tensor:
    """One vector of all entries; a tensor that is missing counts as zeros of its parameter's shape."""
    return torch.cat([torch.zeros_like(parameter).flatten() if tensor is None else tensor.flatten()
                      for tensor, parameter in zip(tensors, like, strict=True)])


@torch.no_grad()
def place(vector: Tensor, parameters: Sequence[Tensor]) -> None:
    """Writes the entries of `vector` into the parameters."""
    for parameter, part in zip(parameters, vector.split([parameter.numel() for parameter in parameters]), strict=True):
        parameter.copy_(part.view_as(parameter))
