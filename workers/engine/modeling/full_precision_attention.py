"""Attention on a CPU outside the quick matrix products that `precision` turns on around updates.

Under "medium" torch sends every small product inside its attention kernel through oneDNN, one block of one head at a
time, and the set-up of each call costs more than its arithmetic: two to four times the processor time at 96 tokens,
backward most of all. Linear layers gain, attention loses; so attention keeps "highest", backward too, which a
`with` around the forward call would not reach.

Legend: b documents, H heads, H' heads of keys and values, L tokens, D head width.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.engine.modeling.precision import full

_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


class _FullPrecision(torch.autograd.Function):
    """torch's own kernel for CPUs and its own gradient, both at full precision."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd passes arguments by position
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None
    ) -> Tensor:
        ctx.causal, ctx.scale = mask is None, scale
        with full():
            out, logsumexp = _forward(query, key, value, 0.0, ctx.causal, attn_mask=mask, scale=scale)
        ctx.save_for_backward(query, key, value, out, logsumexp, mask)
        return out  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, logsumexp, mask = ctx.saved_tensors
        with full():
            found = _backward(grads[0], query, key, value, out, logsumexp, 0.0, ctx.causal, attn_mask=mask, scale=ctx.scale)
        return (*found, None, None)


def attend(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None, dropout: float, scale: float | None) -> Tensor:
    """query [b,H,L,D] over key and value [b,H',L',D] → [b,H,L,D]: causal, or where `mask` [L,L'] is True.

    Under autocast torch's own call is made: it takes all three to bfloat16, where the quick products change nothing.
    """
    quick = torch.get_float32_matmul_precision() != "highest" and not torch.is_autocast_enabled("cpu")
    if quick and query.device.type == "cpu" and query.dtype == torch.float32 and not dropout:
        bias = None if mask is None else torch.zeros(mask.shape).masked_fill(~mask, float("-inf"))
        return _FullPrecision.apply(query, key, value, bias, scale)  # type: ignore[no-any-return, no-untyped-call]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, scale=scale,
                                          is_causal=mask is None, enable_gqa=query.shape[1] != key.shape[1])
