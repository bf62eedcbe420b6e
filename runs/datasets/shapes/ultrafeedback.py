"""UltraFeedback: the binarised pairs with `score_chosen` and `score_rejected`, and the original's scored completions."""

from typing import Any

from runs.datasets.shapes.kinds import ranks_of, read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.PREFERENCE, RecordKind.RANKING})
SCORES = ("overall_score", "fine-grained_score", "score")


def detect(sample: Sample) -> list[Mapping]:
    if sample.has("chosen", "rejected", "score_chosen", "score_rejected"):
        names = ("prompt", "chosen", "rejected", "score_chosen", "score_rejected")
        columns = {name: name for name in names if sample.has(name)}
        label = "UltraFeedback pairs; the difference of the scores is the margin"
        return [Mapping(kind=RecordKind.PREFERENCE, shape="ultrafeedback", columns=columns, label=label, confidence=0.97)]
    if sample.has("instruction") and sample.every("completions", _is_scored):
        columns = {"prompt": "instruction", "completions": "completions"}
        label = "UltraFeedback completions ranked by their overall score"
        return [Mapping(kind=RecordKind.RANKING, shape="ultrafeedback", columns=columns, label=label, confidence=0.97)]
    return []


def read(row: Row) -> list[Record]:
    if row.mapping.kind == RecordKind.PREFERENCE:
        records = read_kind(row)
        if records and (records[0].margin or 0) < 0:
            row.warn("negative_margin", "The rejected answer has the higher score.")
        return records
    return _ranking(row)


def _ranking(row: Row) -> list[Record]:
    prompt, found = row.text("prompt"), row.items("completions")
    if prompt is None or found is None:
        return []
    if not all(_is_completion(each) for each in found):
        row.fault(row.column("completions"), "Each completion needs a `response` and a numeric score.")
        return []
    ranks = ranks_of([_score(each) for each in found])
    return [Record(prompt=prompt, completions=[each["response"] for each in found], ranks=ranks, extra=row.extra())]


def _score(completion: dict[str, Any]) -> float:
    return float(next(completion[name] for name in SCORES if _is_number(completion.get(name))))


def _is_completion(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("response"), str):
        return False
    return any(_is_number(value.get(name)) for name in SCORES)


def _is_scored(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_completion(each) for each in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
