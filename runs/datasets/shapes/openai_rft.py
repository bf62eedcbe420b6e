"""OpenAI's reinforcement rows: `messages` up to a user turn, and free fields that graders read by name.

Option `reference` names the field that is the answer to check; without it the rows are prompts alone.
"""

from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from runs.datasets.shapes.trl import ANSWERS
from runs.datasets.shapes.turns import is_conversation
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.PROMPT_ANSWER, RecordKind.PROMPT})


def detect(sample: Sample) -> list[Mapping]:
    if not sample.every("messages", _asks):
        return []
    answer = sample.first_of(ANSWERS) or _only_field(sample)
    tools = {"tools": "tools"} if sample.has("tools") else {}
    columns = {"prompt": "messages"} | ({"answer": answer} if answer else {}) | tools
    kind = RecordKind.PROMPT_ANSWER if answer else RecordKind.PROMPT
    label = f"OpenAI reinforcement rows; the answer is in `{answer}`" if answer else "OpenAI reinforcement rows without an answer"
    return [Mapping(kind=kind, shape="openai_rft", columns=columns, label=label, confidence=0.96)]


def read(row: Row) -> list[Record]:
    prompt = row.messages("prompt")
    answer = row.answer() if row.mapping.kind == RecordKind.PROMPT_ANSWER else None
    return [] if prompt is None else [Record(prompt=prompt, answer=answer, tools=row.tools(), extra=row.extra())]


def _only_field(sample: Sample) -> str | None:
    """The reference where there is but one other field of plain values."""
    others = [name for name in sample.columns if name not in ("messages", "tools", "parallel_tool_calls")]
    plain = [name for name in others if sample.every(name, lambda value: isinstance(value, str | int | float))]
    return plain[0] if len(plain) == 1 else None


def _asks(value: object) -> bool:
    return is_conversation(value) and isinstance(value, list) and value[-1].get("role") == "user"
