"""A key-value cache with its room laid out from the start, and rows that can be copied for a group and dropped.

B rows, H key-value heads, L tokens so far, D head width. transformers' growing cache copies itself at every token.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers' layers register themselves
    """One layer's keys and values [B,H,L,D] inside buffers with room for more tokens."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        self._room: tuple[Tensor, Tensor] | None = None

    def states(self) -> tuple[Tensor, Tensor]:
        """Keys and values so far; asked only once something was written."""
        assert self.keys is not None
        assert self.values is not None
        return self.keys, self.values

    def spread(self, repeats: int, extra: int) -> None:
        """Copies each row `repeats` times in place (row 0 first) and makes room for `extra` more tokens."""
        keys, values = self.states()
        self._room = (_roomy(keys, repeats, extra), _roomy(values, repeats, extra))
        self._point(self._room, keys.shape[-2])

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Appends [B,H,n,D] and answers all keys and values so far."""
        if self._room is None:
            super().update(key_states, value_states, *args, **kwargs)
            return self.states()
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        self._room[0][:, :, start:end] = key_states
        self._room[1][:, :, start:end] = value_states
        self._point(self._room, end)
        return self.states()

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps these rows, in ascending order; the buffers stay where they are."""
        if self._room is None:
            super().batch_select_indices(indices)
            return
        length = self.get_seq_length()
        for buffer in self._room:
            buffer[: len(indices), :, :length] = buffer[indices, :, :length]
        self._room = (self._room[0][: len(indices)], self._room[1][: len(indices)])
        self._point(self._room, length)

    def _point(self, room: tuple[Tensor, Tensor], length: int) -> None:
        self.keys, self.values = room[0][:, :, :length], room[1][:, :, :length]


def _roomy(states: Tensor, repeats: int, extra: int) -> Tensor:
    rows, heads, length, width = states.shape
    buffer = states.new_empty(rows * repeats, heads, length + extra, width)
    buffer.view(rows, repeats, heads, length + extra, width)[..., :length, :] = states.unsqueeze(1)
    return buffer


class GroupCache(DynamicCache):
    """A cache for any model: full-attention layers get room; sliding or recurrent ones keep transformers' own kind."""

    def __init__(self, config: Any) -> None:
        super().__init__(config=config)
        self.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in self.layers]

    def spread(self, repeats: int, extra: int) -> None:
        """Each prompt's row becomes its group of `repeats` rows, with room for `extra` tokens."""
        for layer in self._any_layers():
            if isinstance(layer, RoomyLayer):
                layer.spread(repeats, extra)
            elif repeats > 1:
                layer.batch_repeat_interleave(repeats)

    def keep(self, rows: Tensor) -> None:
        """Drops every row that is not named in `rows` [b], ascending."""
        for layer in self._any_layers():
            layer.batch_select_indices(rows)

    def _any_layers(self) -> list[Any]:
        # transformers' base class of layers does not declare what all its kinds have.
        return list(self.layers)


def left_padded(prompts: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Prompts as ids [P,L] and mask [P,L] (int64), padded on the left with token 0."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.zeros(len(prompts), width, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt):] = prompt
        mask[row, width - len(prompt):] = 1
    return ids.to(device), mask.to(device)
