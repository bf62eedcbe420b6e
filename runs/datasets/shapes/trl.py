"""TRL's own column names, standard (text) or conversational (messages)."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from runs.datasets.shapes.turns import is_conversation
from workers.contract.records import RecordKind

KINDS = frozenset(RecordKind)
ANSWERS = ("answer", "ground_truth", "solution", "reference_answer", "expected_answer", "final_answer", "target")

# The first that fits is the kind: a row with more columns is of the richer kind.
BY_COLUMNS = (
    (RecordKind.STEPWISE, ("prompt", "completions", "labels"), "Prompts with labelled steps"),
    (RecordKind.RANKING, ("prompt", "completions", "ranks"), "Prompts with ranked completions"),
    (RecordKind.PREFERENCE, ("prompt", "chosen", "rejected"), "Prompts with a chosen and a rejected answer"),
    (RecordKind.PREFERENCE, ("chosen", "rejected"), "Pairs; the prompt is what both begin with"),
    (RecordKind.UNPAIRED, ("prompt", "completion", "label"), "Prompts and completions marked good or bad"),
    (RecordKind.DEMONSTRATION, ("prompt", "completion"), "Prompts with completions"),
    (RecordKind.CONVERSATION, ("messages",), "Conversations"),
    (RecordKind.TEXT, ("text",), "Plain text"),
)
read = read_kind


def detect(sample: Sample) -> list[Mapping]:
    for kind, names, label in BY_COLUMNS:
        if sample.has(*names) and _plausible(kind, sample):
            return [_mapping(kind, names, sample, label, 0.9)]
    if not sample.has("prompt"):
        return []
    answer = sample.first_of(ANSWERS)
    if answer is None:
        return [_mapping(RecordKind.PROMPT, ("prompt",), sample, "Prompts", 0.6)]
    mapping = _mapping(RecordKind.PROMPT_ANSWER, ("prompt",), sample, f"Prompts; the answer is in `{answer}`", 0.85)
    return [mapping.model_copy(update={"columns": mapping.columns | {"answer": answer}})]


def _mapping(kind: RecordKind, names: tuple[str, ...], sample: Sample, label: str, confidence: float) -> Mapping:
    extras = ("tools", "margin") if kind == RecordKind.PREFERENCE else ("tools",)
    taken = names + tuple(name for name in extras if sample.has(name) and kind not in (RecordKind.TEXT, RecordKind.STEPWISE))
    return Mapping(kind=kind, shape="trl", columns={name: name for name in taken}, label=label, confidence=confidence)


def _plausible(kind: RecordKind, sample: Sample) -> bool:
    if kind == RecordKind.CONVERSATION:
        return sample.every("messages", is_conversation)
    return True
