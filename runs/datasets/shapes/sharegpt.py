"""ShareGPT: `conversations` of `{from, value}` turns; also LLaMA-Factory's pairs and thumbs on such conversations.

Option `tags` renames keys and speakers with the names of LLaMA-Factory's `dataset_info.json` (`role_tag`,
`content_tag`, `user_tag`, `assistant_tag`, `system_tag`, `observation_tag`).
"""

from runs.datasets.shapes.kinds import pair
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Message, Record, RecordKind

KINDS = frozenset({RecordKind.CONVERSATION, RecordKind.PREFERENCE, RecordKind.UNPAIRED})
NAMES = ("conversations", "conversation", "items", "dialog", "dialogue")


def detect(sample: Sample) -> list[Mapping]:
    turns = sample.first_of(NAMES)
    if turns is None or not sample.every(turns, _is_foreign):
        return []
    kept = {name: name for name in ("system", "tools") if sample.has(name)}
    columns = {"messages": turns} | kept
    if sample.has("chosen", "rejected"):
        columns |= {"chosen": "chosen", "rejected": "rejected"}
        return [_mapping(RecordKind.PREFERENCE, columns, "ShareGPT conversations with two endings")]
    if sample.has("kto_tag"):
        return [_mapping(RecordKind.UNPAIRED, columns | {"label": "kto_tag"}, "ShareGPT conversations marked good or bad")]
    return [_mapping(RecordKind.CONVERSATION, columns, "ShareGPT conversations")]


def read(row: Row) -> list[Record]:
    turns, tools = row.messages("messages"), row.tools()
    if turns is None:
        return []
    system = row.value("system", required=False)
    if isinstance(system, str) and system:
        turns = [Message(role="system", content=system), *turns]
    if row.mapping.kind == RecordKind.PREFERENCE:
        return pair(row, turns, row.messages("chosen"), row.messages("rejected"))
    if row.mapping.kind == RecordKind.UNPAIRED:
        return _unpaired(row, turns)
    if not any(message.role == "assistant" for message in turns):
        row.warn("no_assistant_turn", "The conversation has no assistant turn to learn from.")
    return [Record(messages=turns, tools=tools, extra=row.extra())]


def _unpaired(row: Row, turns: list[Message]) -> list[Record]:
    label = row.truth("label")
    if len(turns) < 2 or turns[-1].role != "assistant":
        row.fault(row.column("messages"), f"`{row.column('messages')}` must end in an answer to a question.")
        return []
    return [Record(prompt=turns[:-1], completion=turns[-1:], label=label, tools=row.tools(), extra=row.extra())]


def _is_foreign(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, dict) and "from" in turn for turn in value)


def _mapping(kind: RecordKind, columns: dict[str, str], label: str) -> Mapping:
    return Mapping(kind=kind, shape="sharegpt", columns=columns, label=label, confidence=0.96)
