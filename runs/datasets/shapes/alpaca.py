"""Alpaca: `instruction`, `input`, `output`; with LLaMA-Factory's `system`, `history`, `chosen`/`rejected` and `kto_tag`.

The input, where there is one, follows the instruction after an empty line. A system text or a history makes the
prompt a list of messages.
"""

from runs.datasets.shapes.kinds import alike, pair
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Message, Record, RecordKind, Text

KINDS = frozenset({RecordKind.DEMONSTRATION, RecordKind.PREFERENCE, RecordKind.UNPAIRED})


def detect(sample: Sample) -> list[Mapping]:
    if not sample.has("instruction"):
        return []
    kept = {name: name for name in ("input", "system", "history") if sample.has(name)}
    if sample.has("chosen", "rejected"):
        return [_mapping(RecordKind.PREFERENCE, {"chosen": "chosen", "rejected": "rejected"} | kept, "Alpaca pairs")]
    if sample.has("output", "kto_tag"):
        columns = {"completion": "output", "label": "kto_tag"} | kept
        return [_mapping(RecordKind.UNPAIRED, columns, "Alpaca rows marked good or bad")]
    if sample.has("output"):
        return [_mapping(RecordKind.DEMONSTRATION, {"completion": "output"} | kept, "Alpaca instructions with outputs")]
    return []


def read(row: Row) -> list[Record]:
    prompt = _prompt(row)
    if row.mapping.kind == RecordKind.PREFERENCE:
        return pair(row, prompt, row.text("chosen"), row.text("rejected"))
    completion = row.text("completion")
    label = row.truth("label") if row.mapping.kind == RecordKind.UNPAIRED else None
    if prompt is None or completion is None or row.faults:
        return []
    prompt, completion = alike(prompt, completion)
    return [Record(prompt=prompt, completion=completion, label=label, extra=row.extra())]


def _prompt(row: Row) -> Text | None:
    instruction = row.string("prompt")
    added = _filled(row, "input")
    if instruction is None:
        return None
    text = f"{instruction}\n\n{added}" if added else instruction
    system, history = _filled(row, "system"), _history(row)
    if not system and not history:
        return text
    opening = [Message(role="system", content=system)] if system else []
    return [*opening, *history, Message(role="user", content=text)]


def _filled(row: Row, field: str) -> str:
    """An optional text; empty cells are usual here and no reason to warn."""
    found = row.value(field, required=False)
    if found is not None and not isinstance(found, str):
        row.fault(row.column(field), f"`{row.column(field)}` must be text.")
        return ""
    return found or ""


def _history(row: Row) -> list[Message]:
    found = row.value("history", required=False) or []
    if not isinstance(found, list) or not all(_is_exchange(each) for each in found):
        row.fault(row.column("history"), f"`{row.column('history')}` must hold pairs of a question and an answer.")
        return []
    turns = [(Message(role="user", content=asked), Message(role="assistant", content=told)) for asked, told in found]
    return [message for exchange in turns for message in exchange]


def _is_exchange(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value)


def _mapping(kind: RecordKind, columns: dict[str, str], label: str) -> Mapping:
    return Mapping(kind=kind, shape="alpaca", columns={"prompt": "instruction"} | columns, label=label, confidence=0.93)
