"""Canonical rows of a data set: what every foreign shape is mapped to at the door.

A version of a data set is a directory with, for each split, `<split>.jsonl` (one canonical row a line, UTF-8) and
`<split>.index` (little-endian uint64 byte offsets of rows 0, 64, 128, …, then the file's length), so that any row
is read without reading the file. `manifest.json` (`DatasetManifest`) names kind, splits, counts and hashes.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from workers.contract.document import Document

INDEX_STRIDE = 64
"""Rows between two offsets of a split's index file."""


class RecordKind(StrEnum):
    """What a row is. The names are ours; the columns are TRL's."""

    TEXT = "text"
    DEMONSTRATION = "demonstration"
    CONVERSATION = "conversation"
    PROMPT = "prompt"
    PROMPT_ANSWER = "prompt_answer"
    PREFERENCE = "preference"
    RANKING = "ranking"
    UNPAIRED = "unpaired"
    STEPWISE = "stepwise"


class Message(Document):
    """One turn of a conversation. `weight` 0 keeps an assistant turn out of the loss."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str
    weight: float | None = Field(default=None, ge=0)
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    thinking: str | None = None


Text = str | list[Message]
"""Standard (a string) or conversational (a list of messages); never mixed within one row."""


class Record(Document):
    """One canonical row. Which fields are set depends on the version's kind:

    text: `text`; demonstration: `prompt`, `completion`; conversation: `messages`; prompt: `prompt`;
    prompt_answer: `prompt`, `answer`; preference: `prompt`, `chosen`, `rejected`, optional `margin`;
    ranking: `prompt`, `completions`, `ranks` (1 = best, equal = tie); unpaired: `prompt`, `completion`, `label`;
    stepwise: `prompt`, `completions` (the steps), `labels`.
    `extra` keeps the other columns under their own names; reward terms receive them by name.
    """

    text: str | None = None
    prompt: Text | None = None
    completion: Text | None = None
    messages: list[Message] | None = None
    answer: str | None = None
    chosen: Text | None = None
    rejected: Text | None = None
    margin: float | None = None
    completions: list[Text] | None = None
    ranks: list[float] | None = None
    label: bool | None = None
    labels: list[bool | float] | None = None
    tools: list[dict[str, Any]] | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class SplitFile(Document):
    """One split on disk. `sha256` is of the canonical `.jsonl` bytes, hex."""

    name: str
    rows: int = Field(ge=0)
    size_bytes: int = Field(ge=0)
    sha256: str


class DatasetManifest(Document):
    """`manifest.json` of a data-set version; `content_hash` is the SHA-256 over kind and the splits' hashes."""

    version: Literal[1] = 1
    kind: RecordKind
    splits: list[SplitFile]
    content_hash: str
