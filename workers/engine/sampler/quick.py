"""One more token for every row of a model of Llama's build: transformers' numbers from fewer and cheaper operations.

What is saved, against calling the model: q, k and v are one product and so are gate and up, each laid out once for the
few rows of a decoding step (on a CPU by oneDNN, in half the time of a product that meets its weights anew); the keys and
values of a prompt are read once for its whole group instead of once for each answer; and nothing of a module's call, masks
or a cache's bookkeeping happens between the operations. Adapters and quantised layers are called as they are.

Legend: R running rows, P their prompts, G rows of a prompt (the most of any), S = P·G slots, H' key-value heads, r query
heads to each, d head width, D hidden width, L tokens of the longest prompt, C room for an answer, t its tokens so far.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workers.engine.modeling.prefix import PrefixedModel
from workers.engine.sampler.cache import GroupCache, RoomyLayer

BUILDS = {f"transformers.models.{name.lower()}.modeling_{name.lower()}": name for name in ("Llama", "Mistral", "Qwen2", "Qwen3")}
"""Modules whose models are built of the same parts in the same order."""
LAID_OUT = 1 << 30
"""Bytes of weights of which a second copy is made for the length of a call; larger models use the ones they have."""


class QuickSteps:
    """Writes on after prompts that `cache` holds; rows of a prompt stand together, in prompt order."""

    def __init__(self, module: Any, cache: GroupCache, mask: Tensor, count: int, room: int) -> None:
        """`module` is one that `fits` and has filled `cache` with prompts of `mask` [P,L]; each gets `count` rows."""
        bare = bare_of(module)
        small = sum(parameter.nbytes for parameter in bare.parameters()) <= LAID_OUT
        base, self._head = bare.model, _product([bare.lm_head], small)
        self._embed, self._rotary, self._norm = base.embed_tokens, base.rotary_emb, base.norm
        self._bias = None if bool(mask.all()) else torch.zeros(mask.shape, device=mask.device).masked_fill(
            mask == 0, -torch.inf)[:, None, None]
        self._position = mask.sum(-1).repeat_interleave(count).unsqueeze(-1)
        prompts = len(mask)
        self._owner = torch.arange(prompts, device=mask.device).repeat_interleave(count)
        self._shape = (prompts, count)
        self._slots: Tensor | None = None
        self._back: Tensor | None = None
        self._written = 0
        self._layers = [_Layer(layer, cast(RoomyLayer, cached), self._shape, room, small)
                        for layer, cached in zip(base.layers, cache.layers, strict=True)]

    def __call__(self, tokens: Tensor) -> Tensor:
        """Logits [R,V] after one more token [R] in each row."""
        hidden = self._embed(tokens)
        cos, sin = self._rotary(hidden.unsqueeze(1), self._position)
        half = sin.shape[-1] // 2
        turn = (cos, torch.cat([-sin[..., :half], sin[..., half:]], dim=-1))
        for layer in self._layers:
            hidden = layer.attended(hidden, turn, self._written, self._shape, self._slots, self._back, self._bias)
            hidden = layer.transformed(hidden)
        self._position = self._position + 1
        self._written += 1
        return self._head(_normed(hidden, self._norm))

    def keep(self, rows: Tensor) -> None:
        """Drops every row that is not named in `rows` [R'], ascending, and prompts without a row."""
        before = rows if self._back is None else self._back[rows]
        prompts, owner, counts = self._owner[rows].unique_consecutive(return_inverse=True, return_counts=True)
        shape = (len(prompts), int(counts.max()))
        rank = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[owner]
        self._back = owner * shape[1] + rank
        # A slot that no row fills repeats the first one; nobody reads it.
        self._slots = torch.zeros(shape[0] * shape[1], dtype=torch.int64, device=rows.device)
        self._slots[self._back] = torch.arange(len(rows), device=rows.device)
        for layer in self._layers:
            layer.keep(prompts, before[self._slots], self._shape, shape, self._written)
        if self._bias is not None:
            self._bias = self._bias[prompts]
        self._owner, self._position, self._shape = owner, self._position[rows], shape
        if len(rows) == shape[0] * shape[1]:
            self._slots = self._back = None


class _Layer:
    """A layer's weights and what it remembers: the prompts' keys and values [P,H',L,d], the answers' [P,H',G,C,d]."""

    def __init__(self, layer: Any, cached: RoomyLayer, shape: tuple[int, int], room: int, small: bool) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._width, self._scale = attention.head_dim, attention.scaling
        self._qkv = _product([attention.q_proj, attention.k_proj, attention.v_proj], small)
        self._out, self._down = _product([attention.o_proj], small), _product([mlp.down_proj], small)
        self._gate_up, self._act = _product([mlp.gate_proj, mlp.up_proj], small), mlp.act_fn
        self._before, self._between = layer.input_layernorm, layer.post_attention_layernorm
        self._own_norms = (attention.q_norm, attention.k_norm) if hasattr(attention, "q_norm") else None
        self._prompt = cached.states()
        self._heads = self._prompt[0].shape[1]
        prompts, count = shape
        self._own = tuple(states.new_empty(prompts, self._heads, count, room, self._width) for states in self._prompt)

    def attended(  # noqa: PLR0917 - the state of `QuickSteps`, in its order
        self, hidden: Tensor, turn: tuple[Tensor, Tensor], written: int, shape: tuple[int, int], slots: Tensor | None,
        back: Tensor | None, bias: Tensor | None,
    ) -> Tensor:
        """hidden [R,D] after attention, `turn` being the cosines and signed sines [R,1,d] of the new positions."""
        both = self._qkv(_normed(hidden, self._before)).unflatten(-1, (-1, self._width))
        turned, value = self._rotated(both[:, :-self._heads], turn), both[:, -self._heads:]
        if slots is not None:
            turned, value = turned.index_select(0, slots), value.index_select(0, slots)
        query, key = turned[:, :-self._heads], turned[:, -self._heads:]
        for room, new in zip(self._own, (key, value), strict=True):
            room[:, :, :, written] = new.unflatten(0, shape).transpose(1, 2)
        keys, values = (room[:, :, :, : written + 1] for room in self._own)
        # [P,H',G,r,d]: the prompt meets its group's queries as one block, an answer's own keys meet only their own.
        asked = query.unflatten(0, shape).unflatten(2, (self._heads, -1)).transpose(1, 2).mul(self._scale)
        of_prompt = asked.flatten(2, 3) @ self._prompt[0].transpose(-1, -2)
        if bias is not None:
            of_prompt = of_prompt + bias
        length = of_prompt.shape[-1]
        scores = torch.cat([of_prompt.unflatten(2, asked.shape[2:4]), asked @ keys.transpose(-1, -2)], dim=-1)
        shares = scores.softmax(-1)
        found = (shares[..., length:] @ values).add_(
            (shares[..., :length].flatten(2, 3) @ self._prompt[1]).unflatten(2, asked.shape[2:4]))
        rows = found.transpose(1, 2).flatten(2).flatten(0, 1)
        return hidden + self._out(rows if back is None else rows.index_select(0, back))

    def _rotated(self, heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Queries and keys [R,H,d] turned to their positions."""
        if self._own_norms is not None:
            heads = torch.cat([_normed(heads[:, :-self._heads], self._own_norms[0]),
                               _normed(heads[:, -self._heads:], self._own_norms[1])], dim=1)
        half = heads.shape[-1] // 2
        return (heads * turn[0]).addcmul_(torch.cat([heads[..., half:], heads[..., :half]], dim=-1), turn[1])

    def transformed(self, hidden: Tensor) -> Tensor:
        """hidden [R,D] after the layer's second part."""
        gate, up = self._gate_up(_normed(hidden, self._between)).chunk(2, dim=-1)
        return hidden + self._down(self._act(gate) * up)

    def keep(self, prompts: Tensor, slots: Tensor, old: tuple[int, int], new: tuple[int, int], written: int) -> None:
        """Keeps these prompts, and of the answers so far the old slots [S'], laid out anew."""
        self._prompt = (self._prompt[0][prompts], self._prompt[1][prompts])
        fresh = []
        for room in self._own:
            laid = room.new_empty(new[0], room.shape[1], new[1], *room.shape[3:])
            kept = room.transpose(1, 2)[slots // old[1], slots % old[1], :, :written]
            laid[..., :written, :] = kept.unflatten(0, new).transpose(1, 2)
            fresh.append(laid)
        self._own = tuple(fresh)


def fits(module: Any, cache: GroupCache, device: torch.device) -> bool:
    """Whether `QuickSteps` knows how the model computes: a build it knows, full attention alone, numbers as the weights'."""
    bare = bare_of(module)
    name = BUILDS.get(type(bare).__module__)
    if name is None or type(bare).__name__ != f"{name}ForCausalLM":
        return False
    if isinstance(module, PrefixedModel) or torch.is_autocast_enabled(device.type):
        return False
    parts = {"self_attn": f"{name}Attention", "mlp": f"{name}MLP", "input_layernorm": f"{name}RMSNorm",
             "post_attention_layernorm": f"{name}RMSNorm"}
    known = all(type(layer).__name__ == f"{name}DecoderLayer" and not _watched(layer) and all(
        type(getattr(layer, part)).__name__ == kind and not _watched(getattr(layer, part)) for part, kind in parts.items())
        for layer in bare.model.layers)
    return (known and len(bare.model.layers) == len(cache.layers) and all(type(layer) is RoomyLayer for layer in cache.layers)
            and type(bare.model.norm).__name__ == f"{name}RMSNorm")


def bare_of(module: Any) -> Any:
    """The transformers model below an adapter, whose layers still carry it."""
    return module.get_base_model() if hasattr(module, "peft_config") else module


def _watched(module: nn.Module) -> bool:
    """Whether hooks stand around the module's call, which would be passed by."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _normed(hidden: Tensor, norm: Any) -> Tensor:
    return F.rms_norm(hidden, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _product(layers: list[Any], small: bool) -> Callable[[Tensor], Tensor]:
    """Their outputs side by side. Plain linear layers of a `small` model become one product with its weights laid out for it."""
    plain = all(type(layer) is nn.Linear and not _watched(layer) for layer in layers)
    if not plain or not small:
        return layers[0] if len(layers) == 1 else lambda rows: torch.cat([layer(rows) for layer in layers], dim=-1)
    weight = torch.cat([layer.weight for layer in layers]) if len(layers) > 1 else layers[0].weight
    bias = None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])
    if weight.device.type == "cpu" and weight.dtype == torch.float32 and torch.backends.mkldnn.is_available():
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
        return lambda rows: torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], "")
    return lambda rows: F.linear(rows, weight, bias)
