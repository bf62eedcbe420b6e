"""Log-probs and entropy in one fused, chunked pass over hidden states; the logits never exist as a whole.

Legend: N scored positions, D hidden width, V vocabulary. A tile is a run of positions whose float32 logits fit into
`TILE_ELEMENTS`; forward keeps only [N] results (and the one tile's probabilities when everything fits into it),
backward computes each tile again. The last tile is shorter; nothing is padded.
"""

from typing import Any

import torch
from torch import Tensor

TILE_ELEMENTS = 1 << 22
"""Float32 logits held at once (16 MiB)."""


class _ChunkedLogProbs(torch.autograd.Function):
    """With z = h Wᵀ / τ, p = softmax(z), H = −Σ p log p:  ∂logp_y/∂z = 1_y − p,  ∂H/∂z = −p (log p + H)."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd passes arguments by position
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float, with_entropy: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows = max(1, TILE_ELEMENTS // weight.shape[0])
        logprobs = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        entropy = torch.zeros_like(logprobs)
        correct = torch.empty(len(hidden), dtype=torch.bool, device=hidden.device)
        kept = None
        for start in range(0, len(hidden), rows):
            piece = slice(start, start + rows)
            logits = tile_logits(hidden[piece], weight, temperature)
            correct[piece] = logits.argmax(-1) == targets[piece]
            logs = torch.log_softmax(logits, dim=-1)
            logprobs[piece] = logs.gather(-1, targets[piece, None]).squeeze(-1)
            if with_entropy:
                entropy[piece] = -(logs.exp() * logs).sum(-1)
            kept = logs
        ctx.save_for_backward(hidden, weight, targets, entropy, kept if len(hidden) <= rows else None)
        ctx.temperature, ctx.with_entropy, ctx.rows = temperature, with_entropy, rows
        ctx.mark_non_differentiable(correct)
        ctx.set_materialize_grads(False)
        return logprobs, entropy, correct

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        hidden, weight, targets, entropy, kept = ctx.saved_tensors
        grad_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        for start in range(0, len(hidden), ctx.rows):
            piece = slice(start, start + ctx.rows)
            logs = kept if kept is not None else torch.log_softmax(tile_logits(hidden[piece], weight, ctx.temperature), dim=-1)
            grad_logits = _grad_logits(logs, targets[piece], _piece(grads[0], piece), _piece(grads[1], piece), entropy[piece])
            grad_logits = (grad_logits / ctx.temperature).to(weight.dtype)
            if grad_hidden is not None:
                grad_hidden[piece] = (grad_logits @ weight).to(hidden.dtype)
            if grad_weight is not None:
                grad_weight += grad_logits.T @ hidden[piece].to(weight.dtype)
        return grad_hidden, grad_weight.to(weight.dtype) if grad_weight is not None else None, None, None, None


def token_logprobs(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, temperature: float = 1.0, entropy: bool = False
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Log-prob, entropy (nats; None unless asked) and whether the likeliest token is the target, each [N] float32 or bool.

    hidden [N,D] predicts targets [N] through weight [V,D]; logits are divided by `temperature` before the softmax.
    Gradients reach hidden and weight from both log-probs and entropy.
    """
    logprobs, spread, correct = _ChunkedLogProbs.apply(  # type: ignore[no-untyped-call]
        hidden, weight, targets, temperature, entropy)
    return logprobs, spread if entropy else None, correct


def tile_logits(hidden: Tensor, weight: Tensor, temperature: float = 1.0) -> Tensor:
    """Logits [N,V] of hidden [N,D] through weight [V,D], in float32 or better, divided by `temperature`."""
    logits = hidden.to(weight.dtype) @ weight.T
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return logits if temperature == 1.0 else logits / temperature


def _piece(grad: Tensor | None, piece: slice) -> Tensor | None:
    return None if grad is None else grad[piece]


def _grad_logits(
    logs: Tensor, targets: Tensor, grad_logprobs: Tensor | None, grad_entropy: Tensor | None, entropy: Tensor
) -> Tensor:
    """∂/∂z of both outputs; one that nothing uses has no gradient."""
    probs = logs.exp()
    grad = torch.zeros_like(probs)
    if grad_logprobs is not None:
        grad = probs * -grad_logprobs[:, None]
        grad.scatter_add_(-1, targets[:, None], grad_logprobs[:, None])
    if grad_entropy is not None:
        grad -= probs * (logs + entropy[:, None]) * grad_entropy[:, None]
    return grad
