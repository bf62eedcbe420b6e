"""HH-RLHF (github.com/anthropics/hh-rlhf): whole dialogues as text, chosen and rejected, sharing their first turns.

Read as pairs, or as demonstrations: the chosen answers to learn from before the pairs are.
"""

import re
from typing import Literal

from runs.datasets.shapes.kinds import chosen_side, pair
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Message, Record, RecordKind

KINDS = frozenset({RecordKind.PREFERENCE, RecordKind.DEMONSTRATION})
TURN = re.compile(r"\n\n(Human|Assistant):")
ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}


def detect(sample: Sample) -> list[Mapping]:
    if not sample.has("chosen", "rejected") or not all(sample.every(name, _is_transcript) for name in ("chosen", "rejected")):
        return []
    columns = {"chosen": "chosen", "rejected": "rejected"}
    ways = (
        (RecordKind.PREFERENCE, "Human and Assistant dialogues in pairs; the shared turns are the prompt", 0.98),
        (RecordKind.DEMONSTRATION, "The chosen answers alone, to imitate before the pairs are learned from", 0.88),
    )
    return [Mapping(kind=kind, shape="hh_rlhf", columns=columns, label=label, confidence=sure) for kind, label, sure in ways]


def read(row: Row) -> list[Record]:
    chosen, rejected = _dialogue(row, "chosen"), _dialogue(row, "rejected")
    pairs = pair(row, None, chosen, rejected)
    return pairs if row.mapping.kind == RecordKind.PREFERENCE else list(map(chosen_side, pairs))


def turns_of(transcript: str) -> list[Message]:
    """The turns of a transcript; two turns of one speaker in a row stay two. Empty when it begins otherwise."""
    parts = TURN.split(transcript if transcript.startswith("\n\n") else "\n\n" + transcript.lstrip("\n"))
    if parts[0].strip():
        return []
    return [Message(role=ROLES[who], content=text.strip()) for who, text in zip(parts[1::2], parts[2::2], strict=True)]


def _dialogue(row: Row, field: str) -> list[Message] | None:
    transcript = row.string(field)
    if transcript is None:
        return None
    turns = turns_of(transcript)
    if not turns or turns[-1].role != "assistant":
        row.fault(row.column(field), f"`{row.column(field)}` is no dialogue that ends in an Assistant turn.")
        return None
    if not turns[-1].content:
        row.warn("empty_text", f"`{row.column(field)}` ends in an empty answer.")
    return turns


def _is_transcript(value: object) -> bool:
    return isinstance(value, str) and value.lstrip("\n").startswith(("Human:", "Assistant:"))
