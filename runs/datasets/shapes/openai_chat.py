"""OpenAI's supervised JSONL: `messages` that end in an assistant turn, `weight` 0 or 1 on those, optional `tools`."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from runs.datasets.shapes.turns import is_conversation
from workers.contract.records import RecordKind

KINDS = frozenset({RecordKind.CONVERSATION})
MARKS = ("tools", "parallel_tool_calls", "functions")
read = read_kind


def detect(sample: Sample) -> list[Mapping]:
    if not sample.every("messages", is_conversation):
        return []
    weighted = any("weight" in turn for value in sample.values("messages") if is_conversation(value) for turn in value)
    if not weighted and not any(sample.has(mark) for mark in MARKS):
        return []
    columns = {"messages": "messages"} | ({"tools": "tools"} if sample.has("tools") else {})
    label = "OpenAI chat rows" + ("; turns of weight 0 are not trained" if weighted else "")
    return [Mapping(kind=RecordKind.CONVERSATION, shape="openai_chat", columns=columns, label=label, confidence=0.95)]
