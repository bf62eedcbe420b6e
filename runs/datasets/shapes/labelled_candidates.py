"""Several answers to one prompt in one row, each an object with a text and a verdict, such as `{solution, is_correct}`.

The answers are columns of their own (GSM8K's model solutions) or entries of one list column. Read as unpaired labels,
one record for each answer, as preferences, each right answer beside a wrong one until either runs out, or as
demonstrations, the right answers alone. Options: `candidates` (names of the columns), `text_key`, `label_key`.
"""

from typing import Any

from runs.datasets.shapes.kinds import alike, pair
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import FALSE, TRUE, Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.UNPAIRED, RecordKind.PREFERENCE, RecordKind.DEMONSTRATION})
PROMPTS = ("prompt", "question", "problem", "query", "instruction")
TEXT_KEYS = ("solution", "text", "response", "completion", "answer", "output", "content", "generation")
LABEL_KEYS = ("is_correct", "correct", "label", "passed", "is_right", "verdict", "good")


def detect(sample: Sample) -> list[Mapping]:
    prompt = sample.first_of(PROMPTS)
    columns = [name for name in sample.columns if name != prompt and sample.every(name, _is_answer_or_list)]
    first = next((answer for name in columns for value in sample.values(name) for answer in _answers(value)), None)
    if prompt is None or first is None:
        return []
    options = {
        "candidates": columns,
        "text_key": next(key for key in TEXT_KEYS if isinstance(first.get(key), str)),
        "label_key": next(key for key in LABEL_KEYS if key in first),
    }
    return [
        _mapping(RecordKind.UNPAIRED, prompt, options, "Each answer by itself, right or wrong", 0.94),
        _mapping(RecordKind.PREFERENCE, prompt, options, "Right answers beside wrong ones, in pairs", 0.93),
        _mapping(RecordKind.DEMONSTRATION, prompt, options, "Right answers alone, to imitate", 0.83),
    ]


def read(row: Row) -> list[Record]:
    prompt, answers = row.text("prompt"), _judged(row)
    if prompt is None or row.faults:
        return []
    extra = _extra(row)
    if row.mapping.kind == RecordKind.UNPAIRED:
        return [_one(prompt, text, label, extra) for text, label in answers]
    if row.mapping.kind == RecordKind.DEMONSTRATION:
        return _right_ones(row, prompt, answers, extra)
    right, wrong = ([text for text, label in answers if label is side] for side in (True, False))
    if not right or not wrong:
        row.warn("no_pair", "All answers of the row have the same verdict; no pair can be made.")
    return [
        record.model_copy(update={"extra": extra})
        for chosen, rejected in zip(right, wrong, strict=False)
        for record in pair(row, prompt, chosen, rejected)
    ]


def _mapping(kind: RecordKind, prompt: str, options: dict[str, Any], label: str, confidence: float) -> Mapping:
    return Mapping(
        kind=kind, shape="labelled_candidates", columns={"prompt": prompt}, options=options, label=label, confidence=confidence
    )


def _judged(row: Row) -> list[tuple[str, bool]]:
    """Every answer with its verdict; what lacks either is a fault that names the column."""
    names = row.option("candidates", [])
    if not isinstance(names, list) or not names:
        row.fault("candidates", "Option `candidates` must list the columns that hold the answers.")
        return []
    text_key, label_key = str(row.option("text_key", "solution")), str(row.option("label_key", "is_correct"))
    judged = []
    for name in names:
        for answer in _answers(row.values.get(name)) or [{}]:
            text, verdict = answer.get(text_key), _verdict(answer.get(label_key))
            if not isinstance(text, str) or verdict is None:
                row.fault(str(name), f"`{name}` needs an object with the text `{text_key}` and the verdict `{label_key}`.")
            else:
                judged.append((text, verdict))
    return judged


def _one(prompt: Any, text: str, label: bool, extra: dict[str, Any]) -> Record:
    prompt, completion = alike(prompt, text)
    return Record(prompt=prompt, completion=completion, label=label, extra=extra)


def _right_ones(row: Row, prompt: Any, answers: list[tuple[str, bool]], extra: dict[str, Any]) -> list[Record]:
    right = [alike(prompt, text) for text, label in answers if label]
    if not right:
        row.warn("none_right", "No answer of the row is right; there is nothing to imitate.")
    return [Record(prompt=asked, completion=text, extra=extra) for asked, text in right]


def _extra(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.extra().items() if name not in row.option("candidates", [])}


def _verdict(value: object) -> bool | None:
    word = str(value).strip().lower()
    return word in TRUE if word in TRUE or word in FALSE else None


def _answers(value: object) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def _is_answer(value: object) -> bool:
    return (
        isinstance(value, dict)
        and any(isinstance(value.get(key), str) for key in TEXT_KEYS)
        and any(key in value and _verdict(value[key]) is not None for key in LABEL_KEYS)
    )


def _is_answer_or_list(value: object) -> bool:
    return all(map(_is_answer, value)) and bool(value) if isinstance(value, list) else _is_answer(value)
