"""Any columns, mapped by hand or guessed from customary names. Dotted paths reach into objects."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from workers.contract.records import RecordKind

KINDS = frozenset(RecordKind)
PROMPTS = ("prompt", "question", "query", "problem", "instruction", "input", "prompts", "task_prompt")
COMPLETIONS = ("completion", "response", "output", "answer", "solution", "answers", "generation", "target")
ANSWERS = ("answer", "ground_truth", "reference_answer", "expected_answer", "final_answer", "solution", "target", "output")
CHOSEN = ("chosen", "preferred", "accepted", "winner", "chosen_response", "better")
REJECTED = ("rejected", "dispreferred", "declined", "loser", "rejected_response", "worse")
LABELS = ("label", "is_correct", "correct", "thumbs_up", "good", "score")
TEXTS = ("text", "content", "document", "body")
read = read_kind


def detect(sample: Sample) -> list[Mapping]:
    """Guesses with little confidence: a person confirms them beside three rows as they will be read."""
    found = {
        "prompt": sample.first_of(PROMPTS),
        "completion": sample.first_of(COMPLETIONS),
        "answer": sample.first_of(ANSWERS),
        "chosen": sample.first_of(CHOSEN),
        "rejected": sample.first_of(REJECTED),
        "label": sample.first_of(LABELS),
        "text": sample.first_of(TEXTS),
    }
    guesses = [
        (RecordKind.PREFERENCE, ("prompt", "chosen", "rejected"), 0.5),
        (RecordKind.UNPAIRED, ("prompt", "completion", "label"), 0.45),
        (RecordKind.PROMPT_ANSWER, ("prompt", "answer"), 0.4),
        (RecordKind.DEMONSTRATION, ("prompt", "completion"), 0.38),
        (RecordKind.TEXT, ("text",), 0.35),
        (RecordKind.PROMPT, ("prompt",), 0.3),
    ]
    return [
        _mapping(kind, {name: str(found[name]) for name in names}, confidence)
        for kind, names, confidence in guesses
        if all(found[name] for name in names) and len({found[name] for name in names}) == len(names)
    ]


def _mapping(kind: RecordKind, columns: dict[str, str], confidence: float) -> Mapping:
    label = ", ".join(f"`{source}` as {field}" for field, source in columns.items())
    return Mapping(kind=kind, shape="columns", columns=columns, label=label, confidence=confidence)
