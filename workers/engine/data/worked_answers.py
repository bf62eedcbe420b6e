"""Worked answers: a rationale and the answer it ends in, how they are written as one text and found in it again.

A row says both in columns of their own (`rationale` and `answer`, or other names), or has one text that ends as its
`style` says. Whatever a model writes is read the same way, so that a share of parsed answers can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workers.contract.records import Record, Text

Style = Literal["think", "answer_is", "hash", "last_line"]
COLUMNS = "rationale,solution,reasoning"
"""Names under which data sets keep rationales."""
MARKS: dict[Style, tuple[str, str, str]] = {
    "think": ("<think>\n", "\n</think>\n", ""),
    "answer_is": ("", "\nThe answer is ", "."),
    "hash": ("", "\n#### ", ""),
    "last_line": ("", "\n", ""),
}
"""What stands before the rationale, between it and the answer, and after the answer."""


@dataclass(frozen=True)
class Worked:
    """`text` is rationale and answer as one; the answer begins at its character `at`."""

    text: str
    at: int
    rationale: str
    answer: str


def write(rationale: str, answer: str, style: Style) -> Worked:
    before, between, after = MARKS[style]
    head = f"{before}{rationale.strip()}{between}"
    return Worked(f"{head}{answer.strip()}{after}", len(head), rationale.strip(), answer.strip())


def parse(text: str, style: Style) -> Worked | None:
    """The text as rationale and answer; None where it does not end as the style says, or one of them is empty."""
    before, between, after = MARKS[style]
    text = text.strip()
    place = text.rfind(between)
    if place < 0:
        return None
    at = place + len(between)
    rationale, answer = text[:place].removeprefix(before).strip(), text[at:].removesuffix(after).strip()
    return Worked(text, at, rationale, answer) if rationale and answer else None


def columns_of(said: str) -> list[str]:
    """The names that a setting lists, separated by commas."""
    return [name.strip() for name in said.split(",") if name.strip()]


def worked_of(record: Record, columns: Sequence[str], style: Style) -> Worked | None:
    """The record's rationale and answer: of its columns, the first of `columns` that it has, else parsed from its completion.

    None where neither tells them apart.
    """
    rationale = next((said for name in columns if isinstance(said := record.extra.get(name), str) and said.strip()), None)
    answer = record.answer if record.answer is not None else record.extra.get("answer")
    if rationale is not None and isinstance(answer, str | int | float) and str(answer).strip():
        return write(rationale, str(answer), style)
    completion = text_of_completion(record.completion)
    return None if completion is None else parse(completion, style)


def text_of_completion(completion: Text | None) -> str | None:
    """The text of a completion; of messages that of the last one."""
    if isinstance(completion, list):
        return completion[-1].content if completion else None
    return completion


def tail_tokens(tokenizer: Any, ids: Sequence[int], tail: str) -> int:
    """How many of the last tokens of `ids` hold `tail`, the end of their text: the token in which it begins counts."""
    wanted = len(tail.strip())
    for count in range(1, len(ids) + 1):
        if len(tokenizer.decode(ids[len(ids) - count:], skip_special_tokens=True).strip()) >= wanted:
            return count
    return len(ids)
