"""Attention over a flat row of documents: every linear layer runs on real tokens only, and no document sees another.

A batch goes through the model as one row [1,N] of all its tokens, position ids starting again at each document. Only
attention needs to know where documents begin: it gathers them into groups of like length, runs torch's causal kernel
on each group (padding stands to the right, where a causal query never looks) and scatters the results back. So
packing and length bucketing are one mechanism, and neither changes a number.

Documents may share a beginning, as the answers to one prompt do: it stands in the row once, every document gathers its
keys and values from there, and linear layers run on it once.

Legend: N tokens of the row, H heads, D head width, b documents of a group, L longest of the group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

from workers.engine.modeling.full_precision_attention import attend
from workers.engine.modeling.prefix import Prefix

NAME = "lodestar_flat"
WASTE = 1.2
"""A group's padded size may exceed its real tokens by this factor before another group is begun."""


@dataclass(frozen=True)
class Document:
    """`shared` tokens at row index `prefix`, then `own` tokens at `start`. One `owner` of each shared part writes it back."""

    own: int
    start: int
    shared: int = 0
    prefix: int = 0
    owner: bool = True

    def __len__(self) -> int:
        return self.shared + self.own


@dataclass(frozen=True)
class Group:
    """Documents computed together. gather [b·L] indexes the row (0 in the padding); scatter [tokens] indexes b·L."""

    size: int
    longest: int
    gather: Tensor
    tokens: Tensor
    scatter: Tensor


@dataclass(frozen=True)
class Layout:
    """Where the documents of a row stand. `even` is their number when all are equally long and share nothing, else 0."""

    even: int
    groups: tuple[Group, ...]
    restore: Tensor | None


def layout_of(lengths: Sequence[int], device: torch.device | str = "cpu") -> Layout:
    """The layout of documents of these lengths, in row order. No length may be 0."""
    if len(set(lengths)) == 1:
        return Layout(len(lengths), (), None)
    starts = accumulate(lengths, initial=0)
    return layout_of_documents([Document(length, start) for length, start in zip(lengths, starts, strict=False)], device)


def layout_of_documents(documents: Sequence[Document], device: torch.device | str = "cpu") -> Layout:
    """The layout of documents that may share beginnings; every row index belongs to exactly one of them."""
    lengths = [len(document) for document in documents]
    groups = tuple(_group([documents[member] for member in members], device) for members in _alike(lengths))
    return Layout(0, groups, torch.argsort(torch.cat([group.tokens for group in groups])))


def position_ids(lengths: Sequence[int]) -> Tensor:
    """[N] positions that begin at 0 in each document."""
    return torch.cat([torch.arange(length) for length in lengths])


def flat_attention(  # noqa: PLR0917 - transformers' signature of an attention function
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, layout: Layout | None = None,
    sliding_window: int | None = None, prefix: Prefix | None = None, **kwargs: Any,
) -> tuple[Tensor, None]:
    """query [1,H,N,D] over key and value [1,H',N,D] → [1,N,H,D]. Without a layout this is transformers' own attention.

    With a `prefix` every document sees this layer's n keys and values before its own; none of its layers has a window.
    """
    if layout is None:
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs)
        return out, None
    rows = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]
    before = None if prefix is None else prefix[module.layer_idx]  # type: ignore[index]  # every attention layer has a number
    if layout.even:
        blocks = [row.reshape(layout.even, -1, *row.shape[1:]) for row in rows]
        return _attend(blocks, dropout, scaling, sliding_window, before).reshape(1, *rows[0].shape), None
    parts = [_attend_group(rows, group, dropout, scaling, sliding_window, before) for group in layout.groups]
    return torch.cat(parts).index_select(0, layout.restore).unsqueeze(0), None  # type: ignore[arg-type]


def _attend_group(  # noqa: PLR0917 - as it stands in `flat_attention`
    rows: list[Tensor], group: Group, dropout: float, scaling: float | None, window: int | None,
    before: tuple[Tensor, Tensor] | None,
) -> Tensor:
    blocks = [row.index_select(0, group.gather).view(group.size, group.longest, *row.shape[1:]) for row in rows]
    return _attend(blocks, dropout, scaling, window, before).flatten(0, 1).index_select(0, group.scatter)


def _attend(blocks: list[Tensor], dropout: float, scaling: float | None, window: int | None,
            before: tuple[Tensor, Tensor] | None) -> Tensor:
    """Blocks [b,L,H,D] → [b,L,H,D]; each query sees its own document up to itself, at most `window` tokens back.

    `before` are keys and values [H',n,D] that every query sees as well.
    """
    query, key, value = (block.transpose(1, 2) for block in blocks)
    longest = query.shape[2]
    mask = None
    if window is not None and window < longest:
        steps = torch.arange(longest, device=query.device)
        behind = steps[:, None] - steps[None, :]
        mask = (behind >= 0) & (behind < window)
    if before is not None:
        seen = mask if mask is not None else torch.ones(longest, longest, dtype=torch.bool, device=query.device).tril()
        mask = torch.cat([seen.new_ones(longest, before[0].shape[1]), seen], dim=1)
        key, value = (torch.cat([first.to(own.dtype).expand(len(own), -1, -1, -1), own], dim=2)
                      for first, own in zip(before, (key, value), strict=True))
    return attend(query, key, value, mask=mask, dropout=dropout, scale=scaling).transpose(1, 2)


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Documents cut into groups of like length, longest first, each within `WASTE` of its real tokens."""
    groups: list[list[int]] = []
    tokens = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        tokens += lengths[index]
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= WASTE * tokens:
            groups[-1].append(index)
        else:
            groups.append([index])
            tokens = lengths[index]
    return groups


def _group(documents: Sequence[Document], device: torch.device | str) -> Group:
    """The documents as a block of the first one's length, which is the longest."""
    own, start, shared, prefix, owner = torch.tensor(
        [(doc.own, doc.start, doc.shared, doc.prefix, doc.owner) for doc in documents]).T.unsqueeze(-1)
    column = torch.arange(len(documents[0]))
    gather = torch.where(column < shared, prefix + column, start + column - shared)
    inside = column < shared + own
    written = inside & ((column >= shared) | owner.bool())
    return Group(len(documents), len(column), gather.masked_fill(~inside, 0).flatten().to(device), gather[written].to(device),
                 written.flatten().nonzero().squeeze(-1).to(device))


AttentionInterface.register(NAME, flat_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
