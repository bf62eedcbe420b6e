"""verifiers: `question` or `prompt` with `answer`; `info` and `task` stay beside them for the rewards."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from workers.contract.records import RecordKind

KINDS = frozenset({RecordKind.PROMPT_ANSWER})
read = read_kind


def detect(sample: Sample) -> list[Mapping]:
    prompt = sample.first_of(("prompt", "question"))
    if prompt is None or not sample.has("answer"):
        return []
    marked = sample.has("info") or sample.has("task")
    columns = {"prompt": prompt, "answer": "answer"}
    label = f"`{prompt}` with the answer to check"
    confidence = 0.92 if marked else 0.7
    return [Mapping(kind=RecordKind.PROMPT_ANSWER, shape="verifiers", columns=columns, label=label, confidence=confidence)]
