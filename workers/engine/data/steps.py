"""Steps of an answer: where they end in its text, and with which token.

A step is a piece between separators that holds more than white space; it ends with the separator after it. The last one ends
with the answer, whatever stands behind it. Ends in text count characters, so that text[:end] holds the step whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workers.engine.data.rendering import Rendered
from workers.engine.sample import Sample


@dataclass(frozen=True)
class StepValues:
    """What the steps of one answer earned: `ends` [n] in characters of its text, rising, and `values` [n]."""

    ends: tuple[int, ...]
    values: tuple[float, ...]

    def plus(self, other: "StepValues", weight: float) -> "StepValues":
        """Both, the other's values times `weight`; what ends at one place is added."""
        found = dict(zip(self.ends, self.values, strict=True))
        for end, value in zip(other.ends, other.values, strict=True):
            found[end] = found.get(end, 0.0) + weight * value
        ends = tuple(sorted(found))
        return StepValues(ends, tuple(found[end] for end in ends))


NO_STEPS = StepValues((), ())


def text_ends(text: str, separator: str) -> list[int]:
    """Where the steps of `text` end, in characters; none for a text of white space. Raises ValueError without a separator."""
    found, at = [], 0
    for piece in text.split(separator):
        at += len(piece) + len(separator)
        if piece.strip():
            found.append(at)
    return [*found[:-1], len(text)] if found else []


def pieces(text: str, separator: str) -> list[str]:
    """The steps of `text`, each with the separator that closes it; joined they are the text. None for a text of white space."""
    ends = text_ends(text, separator)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def token_ends(tokenizer: Any, ids: Sequence[int], ends: Sequence[int]) -> list[int]:
    """For each of `ends`, in characters of what `ids` decode to, the token with which so much of the text is there.

    One beyond the text is the last token's. A token that holds a separator and more ends the step all the same.
    """
    found, low = [], 0
    for end in ends:
        high = len(ids) - 1
        while low < high:
            middle = (low + high) // 2
            if len(tokenizer.decode(ids[: middle + 1], skip_special_tokens=True)) >= end:
                high = middle
            else:
                low = middle + 1
        found.append(low)
    return found


def step_places(tokenizer: Any, row: Rendered, text: str, ends: Sequence[int], *, pad_token_id: int | None) -> list[int]:
    """The token of `row` that closes each step of its answer `text`, whose steps end at `ends`; the last is the row's last.

    That is the last token which is no padding, where a sequence classifier reads. A template may trim the answer's white space.
    """
    if not ends:
        return []
    last = max((at for at, token in enumerate(row.ids) if token != pad_token_id), default=len(row.ids) - 1)
    return [*(min(place, last) for place in answer_places(tokenizer, row, text, ends[:-1])), last]


def answer_places(tokenizer: Any, row: Rendered, text: str, ends: Sequence[int]) -> list[int]:
    """The token of `row` with which so much of its answer `text` is there, for each of `ends`, in characters of the text.

    A template may trim the answer's white space; an end behind what is left is the last token that holds any of it.
    """
    start = row.prompt_length
    answer = row.ids[start: max((at + 1 for at, trained in enumerate(row.trained) if trained), default=start)]
    written = tokenizer.decode(answer, skip_special_tokens=True)
    shift = max(0, text.find(text.strip())) - max(0, written.find(text.strip()))
    return [start + place for place in token_ends(tokenizer, answer, [min(end - shift, len(written)) for end in ends])]


def give_steps(tokenizer: Any, samples: Sequence[Sample], steps: Sequence[StepValues]) -> None:
    """Leaves each answer the channels `step_rewards` [T], a step's value at its last token, and `step_ends` [T], 1 there.

    Both are 0 elsewhere. The last step ends with the answer's last token, its end mark included; steps that end within one
    token are one, and its values are added.
    """
    for sample, said in zip(samples, steps, strict=True):
        rewards, ends = torch.zeros(len(sample)), torch.zeros(len(sample))
        answer = sample.ids[sample.prompt_length:].tolist()
        places = token_ends(tokenizer, answer, said.ends) if answer else []
        for index, (place, value) in enumerate(zip(places, said.values, strict=bool(answer))):
            at = len(sample) - 1 if index == len(places) - 1 else sample.prompt_length + place
            rewards[at] += value
            ends[at] = 1.0
        sample.channels |= {"step_rewards": rewards, "step_ends": ends}
