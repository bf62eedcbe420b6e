"""What each token of an answer is worth: the mean score of continuations drawn from there (SeqGAN, arXiv 1609.05473).

Q_t = 1/n Σ score(y_{1:t} and a continuation) for every token but the last, whose value is the answer's own score. Answers that
begin alike share the continuations of what they have in common. Legend: B answers, C tokens of one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from workers.engine.composition import ModelView
from workers.engine.sample import Rollout
from workers.engine.sampler.grouped import generate

Judge = Callable[[Sequence[Rollout]], Tensor]
"""Scores [B] of whole answers."""


def token_values(policy: ModelView, judge: Judge, answers: Sequence[Rollout], *, count: int, longest: int,
                 **drawing: Any) -> list[Tensor]:
    """Q [C] of each answer from `count` continuations of each beginning, none of them longer than `longest` tokens in all.

    `count` 0 draws nothing: every token has the answer's own score. `drawing` goes to the sampler.
    """
    own = judge(answers)
    found = [score.repeat(len(answer.completion_ids)) for score, answer in zip(own, answers, strict=True)]
    for written in range(1, max((len(each) for each in found), default=0) if count else 0):
        same: dict[tuple[int, ...], list[int]] = {}
        for index, answer in enumerate(answers):
            if len(answer.completion_ids) > written:
                same.setdefault((*answer.prompt_ids.tolist(), -1, *answer.completion_ids[:written].tolist()), []).append(index)
        begun = [answers[members[0]] for members in same.values()]
        scores = judge(_continued(policy, begun, written, count=count, max_new_tokens=longest - written, **drawing))
        for members, value in zip(same.values(), scores.view(-1, count).mean(-1), strict=True):
            for index in members:
                found[index][written - 1] = value
    return found


def _continued(policy: ModelView, begun: Sequence[Rollout], written: int, *, count: int, **drawing: Any) -> list[Rollout]:
    """`count` answers for each of `begun` that go on from its first `written` tokens."""
    starts = [answer.completion_ids[:written] for answer in begun]
    drawn = generate(policy, [torch.cat([answer.prompt_ids, start]) for answer, start in zip(begun, starts, strict=True)],
                     count=count, **drawing)
    return [Rollout(begun[index // count].prompt_ids, torch.cat([starts[index // count], rest.completion_ids]),
                    torch.cat([torch.zeros(written), rest.logprobs]), rest.ended) for index, rest in enumerate(drawn)]
