"""Layers of Llama's build with less work around their matrix products; the mathematics and the parameters stay as they are.

On a CPU a third of an update goes to operations that only pass over memory. Three of them are taken apart here: RMSNorm and
the rotation of queries and keys have their gradients written out, which autograd would put together from three times as
many passes; and after the last layer's attention only those tokens go on that somebody reads.

Known builds get subclasses of their own classes in place; any other model, a compiled one, and a pass with a cache run as
transformers wrote them.

Legend: N tokens, D hidden width, H heads, d head width.
"""

from typing import Any

import torch
from torch import Tensor, nn

from workers.engine.modeling.flat_attention import NAME as FLAT
from workers.engine.modeling.flat_attention import flat_attention

BUILDS = ("Llama", "Mistral", "Qwen2", "Qwen3")
"""Builds of transformers whose layers compute the same steps in the same order, under names that begin so."""


class RootMeanSquare(torch.autograd.Function):
    """y = w ∘ x̂ with x̂ = x·s, s = (mean x² + ε)^−½:  ∂y→x: s·(w∘g − x̂·mean(w∘g∘x̂)),  ∂y→w: Σ g∘x̂.

    The gradient is made of x alone, so that it has one itself.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """hidden [...,D], weight [D] → [...,D]."""
        ctx.save_for_backward(hidden, weight)
        ctx.epsilon = epsilon
        return (hidden * _inverse_size(hidden, epsilon)).mul_(weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        hidden, weight = ctx.saved_tensors
        inverse = _inverse_size(hidden, ctx.epsilon)
        unit = hidden * inverse
        product = grads[0] * unit
        shared = (product @ weight / len(weight)).unsqueeze(-1)
        grad_hidden = (grads[0] * weight).addcmul_(unit, shared, value=-1).mul_(inverse)
        grad_weight = product.flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        return grad_hidden, grad_weight, None


def _inverse_size(hidden: Tensor, epsilon: float) -> Tensor:
    size: Tensor = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
    return (size.square() / hidden.shape[-1] + epsilon).rsqrt()


class Rotation(torch.autograd.Function):
    """(x₁, x₂) → (x₁·cos − x₂·sin, x₂·cos + x₁·sin) of a head's two halves; its gradient turns back."""

    @staticmethod
    def forward(ctx: Any, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """heads [...,H,d], cos and sin [...,1,d] → [...,H,d], in the wider of their types."""
        ctx.save_for_backward(cos, sin)
        ctx.dtype = heads.dtype
        half = heads.shape[-1] // 2
        turned = heads * cos
        turned[..., :half].addcmul_(heads[..., half:], sin[..., :half], value=-1)
        turned[..., half:].addcmul_(heads[..., :half], sin[..., half:])
        return turned

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (grad,), (cos, sin) = grads, ctx.saved_tensors
        half = grad.shape[-1] // 2
        back = grad * cos
        back[..., :half].addcmul_(grad[..., half:], sin[..., half:])
        back[..., half:].addcmul_(grad[..., :half], sin[..., :half], value=-1)
        return back.to(ctx.dtype), None, None


class _Norm:
    """Over a build's RMSNorm."""

    def forward(self: Any, hidden_states: Tensor) -> Tensor:
        if hidden_states.dtype != torch.float32 or self.weight.dtype != torch.float32 or torch.compiler.is_compiling():
            return super().forward(hidden_states)  # type: ignore[no-any-return, misc]
        return RootMeanSquare.apply(hidden_states, self.weight, self.variance_epsilon)  # type: ignore[no-any-return, no-untyped-call]


class _Attention:
    """Over a build's attention."""

    def forward(self: Any, hidden_states: Tensor, position_embeddings: tuple[Tensor, Tensor],
                attention_mask: Tensor | None = None, past_key_values: Any = None, picked: Tensor | None = None,
                **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        """hidden_states [1,N,D] → [1,N,D], or only the `picked` rows of it."""
        if past_key_values is not None or self.config._attn_implementation != FLAT or torch.compiler.is_compiling():
            return super().forward(  # type: ignore[no-any-return, misc]
                hidden_states, position_embeddings=position_embeddings, attention_mask=attention_mask,
                past_key_values=past_key_values, **kwargs)
        shape = (*hidden_states.shape[:-1], -1, self.head_dim)
        query, key, value = (made(hidden_states).view(shape) for made in (self.q_proj, self.k_proj, self.v_proj))
        if hasattr(self, "q_norm"):
            query, key = self.q_norm(query), self.k_norm(key)
        cos, sin = (each.unsqueeze(2) for each in position_embeddings)
        query, key = (Rotation.apply(each, cos, sin) for each in (query, key))  # type: ignore[no-untyped-call]
        kwargs |= {"sliding_window": getattr(self, "sliding_window", getattr(self.config, "sliding_window", None))}
        found, _ = flat_attention(
            self, query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attention_mask,
            dropout=self.attention_dropout if self.training else 0.0, scaling=self.scaling, **kwargs)
        found = found.flatten(2)
        return self.o_proj(found if picked is None else found.index_select(1, picked)), None


class _LastLayer:
    """Over a build's layer that no other follows: with `picked`, only these rows leave its attention."""

    def forward(self: Any, hidden_states: Tensor, picked: Tensor | None = None, **kwargs: Any) -> Tensor:
        if picked is None:
            return super().forward(hidden_states, **kwargs)  # type: ignore[no-any-return, misc]
        attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), picked=picked, **kwargs)
        hidden = hidden_states.index_select(1, picked) + attended
        return hidden + self.mlp(self.post_attention_layernorm(hidden))  # type: ignore[no-any-return]


class _Layer:
    """Over a build's layers that others follow: which rows are read in the end is not theirs to know."""

    def forward(self: Any, hidden_states: Tensor, picked: Tensor | None = None, **kwargs: Any) -> Tensor:
        return super().forward(hidden_states, **kwargs)  # type: ignore[no-any-return, misc]


_MADE: dict[tuple[type[nn.Module], type], type[nn.Module]] = {}


def fuse(module: Any) -> bool:
    """Changes a model of a known build in place; whether its base model takes `picked` [P], row indices of what it answers."""
    base = module.base_model
    name = next((build for build in BUILDS if type(base).__name__ == f"{build}Model"
                 and type(base).__module__ == f"transformers.models.{build.lower()}.modeling_{build.lower()}"), None)
    if name is None:
        return False
    for part in base.modules():
        if type(part).__name__ == f"{name}RMSNorm":
            part.__class__ = _over(type(part), _Norm)
        elif type(part).__name__ == f"{name}Attention":
            part.__class__ = _over(type(part), _Attention)
    for layer in base.layers:
        layer.__class__ = _over(type(layer), _LastLayer if layer is base.layers[-1] else _Layer)
    return True


def _over(kind: type[nn.Module], mixin: type) -> type[nn.Module]:
    """A subclass with the mixin's forward, one for each pair, under the name by which transformers and FSDP know the class.

    A class that has it already stays: two views may stand over one model, as a policy and its reference without adapter do.
    """
    if issubclass(kind, mixin):
        return kind
    if (kind, mixin) not in _MADE:
        _MADE[kind, mixin] = type(kind.__name__, (mixin, kind), {"__module__": kind.__module__})
    return _MADE[kind, mixin]
