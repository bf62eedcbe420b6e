"""A batch as one flat row of the tokens that have to be computed; a prompt that a group shares stands in it once."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import torch
from torch import Tensor

from workers.engine.modeling.flat_attention import Document, Layout, layout_of, layout_of_documents, position_ids
from workers.engine.sample import Batch


def flat(batch: Batch, where: Tensor) -> tuple[Tensor, Tensor, Layout, Tensor, Tensor]:
    """The batch as one row up to each sample's last scored token: ids, positions, layout, picked, targets."""
    steps = torch.arange(batch.ids.shape[1], device=where.device)
    needed = (where * steps).amax(1).tolist()
    kept = [index for index, length in enumerate(needed) if length > 0]
    shared = _shared(batch, where, kept)
    if any(shared):
        return _flat_shared(batch, where, kept, needed, shared)
    lengths = [needed[index] for index in kept]
    ids = torch.cat([batch.ids[index, :length] for index, length in zip(kept, lengths, strict=True)])
    targets = batch.ids[where]
    positions, layout, starts = _shape(tuple(lengths), str(ids.device))
    row, column = where.nonzero(as_tuple=True)
    begin = torch.zeros(len(needed), dtype=torch.int64, device=ids.device)
    begin[kept] = starts
    return ids, positions, layout, begin[row] + column - 1, targets


def _shared(batch: Batch, where: Tensor, kept: Sequence[int]) -> list[int]:
    """For each kept sample, how many tokens it shares with its group: its prompt's, where all of the group agree, else 0.

    Only an unscored prompt is shared. Samples of a group stand one after another.
    """
    lengths = [0] * len(kept)
    for _, run in groupby(range(len(kept)), key=lambda place: batch.samples[kept[place]].group):
        places = list(run)
        first = kept[places[0]]
        length = batch.samples[first].prompt_length
        rows = torch.tensor([kept[place] for place in places], device=where.device)
        if (batch.samples[first].group < 0 or len(places) == 1 or length == 0 or bool(where[rows, :length].any())
                or any(batch.samples[kept[place]].prompt_length != length for place in places)
                or not bool((batch.ids[rows, :length] == batch.ids[first, :length]).all())):
            continue
        for place in places:
            lengths[place] = length
    return lengths


def _flat_shared(
    batch: Batch, where: Tensor, kept: list[int], needed: list[int], shared: list[int]
) -> tuple[Tensor, Tensor, Layout, Tensor, Tensor]:
    """`flat` with each group's prompt in the row once, before its first sample's own tokens."""
    pieces, positions, documents = [], [], []
    at, prefix, group = 0, 0, -1
    for index, length in zip(kept, shared, strict=True):
        owner = length == 0 or batch.samples[index].group != group
        group = batch.samples[index].group if length else -1
        if owner and length:
            pieces.append(batch.ids[index, :length])
            positions.append(torch.arange(length))
            at, prefix = at + length, at
        own = needed[index] - length
        pieces.append(batch.ids[index, length: needed[index]])
        positions.append(torch.arange(length, needed[index]))
        documents.append(Document(own, at, length, prefix, owner))
        at += own
    device = where.device
    row, column = where.nonzero(as_tuple=True)
    facts = torch.zeros(len(needed), 3, dtype=torch.int64, device=device)
    facts[kept] = torch.tensor([(doc.start, doc.shared, doc.prefix) for doc in documents], device=device)
    start, length_, prefix_ = facts[row].unbind(-1)
    before = column - 1
    picked = torch.where(before < length_, prefix_ + before, start + before - length_)
    return (torch.cat(pieces), torch.cat(positions).to(device), layout_of_documents(documents, device), picked,
            batch.ids[where])


@lru_cache(maxsize=64)
def _shape(lengths: tuple[int, ...], device: str) -> tuple[Tensor, Layout, Tensor]:
    sizes = torch.tensor(lengths)
    return position_ids(lengths).to(device), layout_of(lengths, device), (sizes.cumsum(0) - sizes).to(device)
