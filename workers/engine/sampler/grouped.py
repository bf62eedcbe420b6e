"""Groups of answers: the prompt is read once, its group shares the result, ended rows leave the batch.

P prompts, G answers each, R = P·G rows, C tokens of the longest answer, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from workers.engine.composition import ModelView
from workers.engine.sample import Rollout
from workers.engine.sampler.cache import GroupCache, left_padded
from workers.engine.sampler.draw import draw
from workers.engine.sampler.quick import QuickSteps, fits
from workers.engine.training import distributed, memory

SHRINK = 0.875
"""Ended rows are dropped once the running ones are at most this share: dropping copies the cache."""


@dataclass(slots=True)
class Answers:
    """What has been written: ids [R,C] and logprobs [R,C] up to `lengths` [R]; `ended` [R] where an end token was drawn."""

    ids: Tensor
    logprobs: Tensor
    lengths: Tensor
    ended: Tensor


def generate(
    model: ModelView, prompts: Sequence[Tensor], *, count: int, max_new_tokens: int, temperature: float,
    top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0, end_ids: Sequence[int] = (), max_rows: int = 1024,
) -> list[Rollout]:
    """`count` answers for each prompt, in prompt order (all of prompt 0 first), at most `max_rows` rows at once.

    Temperature 0 is greedy. Log-probs are those of softmax(logits/temperature) before any filter. Prompts must not be
    empty and must leave room for the answer in the model's context. Processes share the prompts (see `distributed`); when
    memory runs out fewer are answered at once.
    """
    def written(share: Sequence[Tensor]) -> list[Rollout]:
        """A part of the prompts, from a random stream of its own where there are several."""
        found: list[Rollout] = []
        together = max(1, max_rows // count)
        for start in range(0, len(share), together):
            piece = list(share[start:start + together])
            found += [answer for part in memory.in_parts(memory.WRITING, len(piece), lambda rows, piece=piece: rollouts(
                piece[rows], count, decode(module, piece[rows], count=count, max_new_tokens=max_new_tokens,  # type: ignore[misc]
                                           temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, end_ids=end_ids,
                                           device=model.device)), what="prompts") for answer in part]
        return found

    # Entered once by every process, those without a prompt too: a sharded model is made whole here by all together.
    with model.generating() as module:
        return distributed.dealt_streams(prompts, written)


def rollouts(prompts: Sequence[Tensor], count: int, answers: Answers) -> list[Rollout]:
    """The answers as rollouts on the CPU."""
    ids, logprobs = answers.ids.cpu(), answers.logprobs.cpu()
    lengths, ended = answers.lengths.tolist(), answers.ended.tolist()
    return [Rollout(prompt_ids=prompts[row // count], completion_ids=ids[row, :length].clone(),
                    logprobs=logprobs[row, :length].clone(), ended=ended[row])
            for row, length in enumerate(lengths)]


@torch.no_grad()
def decode(
    module: Any, prompts: list[Tensor], *, count: int, max_new_tokens: int, end_ids: Sequence[int], device: torch.device,
    **choice: Any,
) -> Answers:
    """Writes answers token by token. `choice` goes to `draw`."""
    ids, mask = left_padded(prompts, device)
    cache = GroupCache(module.config)
    logits = module(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                    past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
    ends = torch.tensor(list(end_ids), dtype=torch.int64, device=device)
    steps: Steps
    if fits(module, cache, device):
        steps = QuickSteps(module, cache, mask, count, max_new_tokens)
    else:
        cache.spread(count, max_new_tokens)
        steps = ModelSteps(module, cache, mask.repeat_interleave(count, 0), max_new_tokens)
    return _write(steps, ends=ends, limit=max_new_tokens, logits=logits.repeat_interleave(count, 0), choice=choice)


class Steps(Protocol):
    """Running rows of which each takes one token more at a time."""

    def __call__(self, tokens: Tensor) -> Tensor:
        """Logits [b,V] after one more token [b] in each row."""

    def keep(self, rows: Tensor) -> None:
        """Drops every row that is not named in `rows`, ascending."""


class ModelSteps:
    """Steps of any model, by calling it: mask [b,L+C] of the cache, position [b,1] of the next token."""

    def __init__(self, module: Any, cache: GroupCache, mask: Tensor, room: int) -> None:
        self._module, self._cache = module, cache
        self._padded = not bool(mask.all())
        self._mask = torch.cat([mask, mask.new_ones(len(mask), room)], dim=1)
        self._position = mask.sum(-1, keepdim=True)
        self._length = mask.shape[1]

    def __call__(self, tokens: Tensor) -> Tensor:
        self._length += 1
        logits: Tensor = self._module(
            input_ids=tokens.unsqueeze(-1), attention_mask=self._mask[:, : self._length] if self._padded else None,
            position_ids=self._position, past_key_values=self._cache, use_cache=True).logits[:, -1]
        self._position = self._position + 1
        return logits

    def keep(self, rows: Tensor) -> None:
        self._cache.keep(rows)
        self._mask, self._position = self._mask[rows], self._position[rows]


def _write(steps: Steps, *, logits: Tensor, ends: Tensor, limit: int, choice: dict[str, Any]) -> Answers:
    total = len(logits)
    index = torch.arange(total, device=logits.device)
    answers = Answers(
        ids=torch.zeros(total, limit, dtype=torch.int64, device=logits.device),
        logprobs=torch.zeros(total, limit, device=logits.device),
        lengths=torch.full((total,), limit, device=logits.device),
        ended=torch.zeros(total, dtype=torch.bool, device=logits.device),
    )
    for step in range(limit):
        tokens, logprobs = draw(logits, **choice)
        answers.ids[index, step], answers.logprobs[index, step] = tokens, logprobs
        running = ~torch.isin(tokens, ends) & ~answers.ended[index]
        stopped = index[~running & ~answers.ended[index]]
        answers.lengths[stopped], answers.ended[stopped] = step + 1, True
        left = int(running.sum())
        if left == 0 or step + 1 == limit:
            break
        if left <= SHRINK * len(running):
            kept = running.nonzero().squeeze(-1)
            steps.keep(kept)
            index, tokens = index[kept], tokens[kept]
        logits = steps(tokens)
    return answers
