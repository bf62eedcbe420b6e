"""Steps with labels in the shapes of ProcessBench (`steps`, and `label` as the first wrong step, -1 for none) and Math-Shepherd.

Math-Shepherd repeats the problem and its steps twice: `input` with the tag `ки` behind each step, `label` with + or - there.
"""

import re

from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.STEPWISE})
TAG = "ки"
STEP = re.compile(r"(?=Step \d+:)")


def detect(sample: Sample) -> list[Mapping]:
    if sample.has("problem", "steps", "label") and sample.every("label", lambda value: isinstance(value, int)):
        columns = {"prompt": "problem", "completions": "steps", "first_wrong": "label"}
        return [_mapping(columns, "Steps; the label is the first wrong one")]
    if sample.has("input", "label") and sample.every("input", lambda value: isinstance(value, str) and TAG in value):
        return [_mapping({"tagged": "input", "verdicts": "label"}, f"Steps tagged {TAG}, labelled + or -")]
    return []


def read(row: Row) -> list[Record]:
    return _tagged(row) if "tagged" in row.mapping.columns else _first_wrong(row)


def _first_wrong(row: Row) -> list[Record]:
    prompt, steps, wrong = row.text("prompt"), row.items("completions"), row.number("first_wrong")
    if prompt is None or steps is None or wrong is None:
        return []
    if not all(isinstance(step, str) for step in steps) or not -1 <= wrong < len(steps):
        column = row.column("first_wrong")
        row.fault(column, f"`{column}` must be -1 or the number of one of the steps, from 0.")
        return []
    labels: list[bool | float] = [wrong < 0 or at < wrong for at in range(len(steps))]
    return [Record(prompt=prompt, completions=steps, labels=labels, extra=row.extra())]


def _tagged(row: Row) -> list[Record]:
    tagged, verdicts = row.string("tagged"), row.string("verdicts")
    if tagged is None or verdicts is None:
        return []
    prompt, *steps = STEP.split(tagged)
    marks = [step.rstrip()[-1:] for step in STEP.split(verdicts)[1:]]
    if not steps or len(marks) != len(steps) or set(marks) - {"+", "-"}:
        row.fault(row.column("verdicts"), f"`{row.column('verdicts')}` needs + or - behind each of {len(steps)} steps.")
        return []
    texts = [step.replace(TAG, "").strip() for step in steps]
    return [Record(prompt=prompt.strip(), completions=texts, labels=[mark == "+" for mark in marks], extra=row.extra())]


def _mapping(columns: dict[str, str], label: str) -> Mapping:
    return Mapping(kind=RecordKind.STEPWISE, shape="stepwise", columns=columns, label=label, confidence=0.95)
