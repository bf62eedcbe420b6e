"""The comparison in tiles: forward keeps [N] results, backward computes each tile again (see `logprobs`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.engine.modeling import logprobs
from workers.engine.modeling.logprobs import tile_logits
from workers.engine.sample import Comparison


@dataclass(frozen=True)
class Terms:
    """What is computed of a tile."""

    divergence: Callable[..., Tensor]
    temperature: float
    beta: float

    def __call__(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        student, teacher = (torch.log_softmax(logits / self.temperature, -1) for logits in (student_logits, teacher_logits))
        return self.divergence(student, teacher, beta=self.beta)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917 - autograd passes arguments by position
        ctx: Any, hidden: Tensor, weight: Tensor, teacher_hidden: Tensor, teacher_weight: Tensor, terms: Terms
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Two models' logits, their softmaxes and what a member makes of them: fewer rows than one model's log-probs take.
        rows = max(1, logprobs.TILE_ELEMENTS // (4 * len(weight)))
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        values, entropy = (torch.empty(len(hidden), dtype=dtype, device=hidden.device) for _ in range(2))
        agreement = torch.empty(len(hidden), dtype=torch.bool, device=hidden.device)
        for start in range(0, len(hidden), rows):
            piece = slice(start, start + rows)
            student = tile_logits(hidden[piece], weight)
            teacher = tile_logits(teacher_hidden[piece], teacher_weight)
            values[piece] = terms(student, teacher)
            agreement[piece] = student.argmax(-1) == teacher.argmax(-1)
            logs = torch.log_softmax(teacher, -1)
            entropy[piece] = -(logs.exp() * logs).sum(-1)
        ctx.save_for_backward(hidden, weight, teacher_hidden, teacher_weight)
        ctx.terms, ctx.rows = terms, rows
        ctx.mark_non_differentiable(entropy, agreement)
        return values, entropy, agreement

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        hidden, weight, teacher_hidden, teacher_weight = ctx.saved_tensors
        grad_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight, dtype=grads[0].dtype) if ctx.needs_input_grad[1] else None
        for start in range(0, len(hidden), ctx.rows):
            piece = slice(start, start + ctx.rows)
            student = tile_logits(hidden[piece], weight).requires_grad_()
            with torch.enable_grad():
                values = ctx.terms(student, tile_logits(teacher_hidden[piece], teacher_weight))
            (grad_logits,) = torch.autograd.grad(values, student, grads[0][piece])
            grad_logits = grad_logits.to(weight.dtype)
            if grad_hidden is not None:
                grad_hidden[piece] = (grad_logits @ weight).to(hidden.dtype)
            if grad_weight is not None:
                grad_weight += grad_logits.T @ hidden[piece].to(weight.dtype)
        return grad_hidden, grad_weight.to(weight.dtype) if grad_weight is not None else None, None, None, None


def chunked(hidden: Tensor, weight: Tensor, teacher_hidden: Tensor, teacher_weight: Tensor, terms: Terms) -> Comparison:
    """hidden [N,D] through weight [V,D] against teacher_hidden [N,D′] through teacher_weight [V,D′], each result [N]."""
    found = _Chunked.apply(hidden, weight, teacher_hidden, teacher_weight, terms)  # type: ignore[no-untyped-call]
    return Comparison(*found)
