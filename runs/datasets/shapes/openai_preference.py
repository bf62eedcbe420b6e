"""OpenAI's, Together's and Fireworks' preference JSONL: `input.messages`, `preferred_output`, `non_preferred_output`."""

from runs.datasets.shapes.kinds import pair
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.PREFERENCE})
COLUMNS = {
    "prompt": "input.messages",
    "tools": "input.tools",
    "chosen": "preferred_output",
    "rejected": "non_preferred_output",
}


def detect(sample: Sample) -> list[Mapping]:
    if not sample.has("input", "preferred_output", "non_preferred_output"):
        return []
    label = "OpenAI preference rows"
    return [Mapping(kind=RecordKind.PREFERENCE, shape="openai_preference", columns=COLUMNS, label=label, confidence=0.98)]


def read(row: Row) -> list[Record]:
    records = pair(row, row.messages("prompt"), row.messages("chosen"), row.messages("rejected"))
    for record in records:
        record.extra.pop("input", None)
    return records
