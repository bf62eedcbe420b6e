"""Reference answers as tokens: what methods read that learn from their own answers and from a given one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workers.contract.records import Record
from workers.engine.data.rendering import render_demonstration
from workers.engine.faults import DataFault
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Rollout, Sample


def reference_ids(tokenizer: Any, record: Record | None, *, longest: int) -> Tensor | None:
    """The reference answer's tokens, its end among them, cut to `longest`; None where the row has no reference."""
    text = reference_of(record)
    if record is None or record.prompt is None or text is None:
        return None
    rendered = render_demonstration(tokenizer, Record(prompt=record.prompt, completion=text, tools=record.tools))[-1]
    found = [token for token, trained in zip(rendered.ids, rendered.trained, strict=True) if trained]
    return torch.tensor(found[:longest], dtype=torch.int64) if found else None


def needed_ids(tokenizer: Any, prompt: Sample, *, longest: int, instead: str) -> Tensor:
    """As `reference_ids`, of a method that cannot do without. Raises DataFault; `instead` names one that can."""
    found = reference_ids(tokenizer, prompt.record, longest=longest)
    if found is None:
        raise DataFault(f"Row {prompt.row + 1} has no reference answer.", f"Give every prompt an answer, or choose {instead}.")
    return found


def given(prompt: Sample, ids: Tensor, *, end_ids: Sequence[int]) -> Rollout:
    """Tokens that nobody drew as an answer to the prompt, with log-probs of 0."""
    return Rollout(prompt_ids=prompt.ids, completion_ids=ids, logprobs=torch.zeros(len(ids)), ended=int(ids[-1]) in end_ids)
