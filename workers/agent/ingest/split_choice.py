"""Which split a row falls into."""

import hashlib
import json
import re
from typing import Any

from runs.datasets.shapes.mapping import Fault
from workers.contract.records import Record

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
MOST_SPLITS = 20


class BadSplit(ValueError):
    """The row does not say a usable split."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(field=field, message=message)


class SplitChoice:
    """`rule` is a version's `split_rule`: mode none, fraction or column."""

    def __init__(self, rule: dict[str, Any]) -> None:
        self.rule = rule
        self._names: set[str] = set()

    def split_of(self, record: Record, line: bytes, values: dict[str, Any], given: str) -> str:
        """`given` is the split the source itself names. Raises BadSplit."""
        mode = self.rule.get("mode", "none")
        if mode == "fraction":
            return "test" if _share(self.rule["seed"], record, line) < self.rule["test_fraction"] else "train"
        return self._named(values) if mode == "column" else given

    def _named(self, values: dict[str, Any]) -> str:
        column = self.rule["column"]
        name = str(values.get(column, "")).strip()
        if not NAME.fullmatch(name):
            raise BadSplit(column, f"`{column}` says {name[:40]!r}; a split's name has up to 40 letters, digits, - _ or dots.")
        self._names.add(name)
        if len(self._names) > MOST_SPLITS:
            raise BadSplit(column, f"`{column}` names more than {MOST_SPLITS} splits. Choose another column.")
        return name


def _share(seed: int, record: Record, line: bytes) -> float:
    """A number in [0, 1) that depends on seed and prompt alone: rows that share a prompt share their split."""
    subject = line
    if isinstance(record.prompt, str):
        subject = record.prompt.encode()
    elif record.prompt is not None:
        subject = json.dumps([[turn.role, turn.content] for turn in record.prompt]).encode()
    digest = hashlib.blake2b(subject, digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "big") / 2**64
