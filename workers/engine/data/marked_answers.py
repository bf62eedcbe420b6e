"""Answers marked good or bad as samples with scalar `label`; a pair is one of each.

An answer that is empty, too long to keep, or whose prompt leaves no room for it is left out.
"""

from dataclasses import replace
from typing import Any

from workers.contract.catalogue import DataNeed
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.data import pairs
from workers.engine.data.pairs import EMPTY, FULL, LONG, LeftOut
from workers.engine.data.rendering import Truncation, sample_of
from workers.engine.faults import DataFault
from workers.engine.sample import Sample

KINDS = [RecordKind.UNPAIRED, RecordKind.PREFERENCE]
DATA = [DataNeed(role="train", kinds=KINDS, help="Answers marked good or bad; a pair is one of each."),
        DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out answers.")]


def answers_per_row(spec: RunSpec) -> int:
    """Answers that a row of the training data holds."""
    train = spec.datasets.get("train")
    return 2 if train is not None and train.kind is RecordKind.PREFERENCE else 1


def render_marked(tokenizer: Any, record: Record, row: int, *, max_length: int, mode: Truncation,
                  left_out: LeftOut) -> list[Sample]:
    """The marked answer, or both sides of a pair, each with scalar `label`. Raises DataFault for a row of another kind."""
    if record.chosen is not None:
        sides = pairs.render_pair(tokenizer, record, row, max_length=max_length, mode=mode, left_out=left_out)
        return [replace(side, scalars={"label": side.scalars["label"]}) for side in sides]
    if record.prompt is None or record.completion is None or record.label is None:
        raise DataFault(f"Row {row + 1} is no marked answer: it lacks prompt, completion or label.",
                        "Choose a data set of marked answers or of preferences.")
    if pairs.is_empty(record.completion):
        return left_out.add(EMPTY, row)
    cut = pairs.cut_alike([pairs.render_answer(tokenizer, record, record.completion)], max_length, mode)
    if cut is None:
        return left_out.add(LONG, row)
    if not any(cut[0].trained):
        return left_out.add(FULL, row)
    return [replace(sample_of(cut[0], row=row, record=record), scalars={"label": float(record.label)})]
