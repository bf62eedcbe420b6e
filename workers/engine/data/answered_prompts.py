"""The prompts that a step's answers belong to, as the data set gave them."""

from collections.abc import Sequence

import torch

from workers.engine.data.rendering import text_of
from workers.engine.sample import Sample


def prompts_of(samples: Sequence[Sample]) -> list[Sample]:
    """One prompt for each group, in the order of its first answer, with the group's number."""
    first: dict[int, Sample] = {}
    for sample in samples:
        first.setdefault(sample.group, sample)
    return [_prompt(sample) for sample in first.values()]


def _prompt(sample: Sample) -> Sample:
    length, record = sample.prompt_length, sample.record
    text = "" if record is None or record.prompt is None else text_of(record.prompt)
    return Sample(ids=sample.ids[:length], mask=torch.zeros(length, dtype=torch.bool), prompt_length=length, row=sample.row,
                  group=sample.group, record=record, text=text)
