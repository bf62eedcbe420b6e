"""Right or wrong: answers against references, by the reward terms that check them."""

from collections.abc import Sequence
from typing import Literal

from workers.contract.records import Record
from workers.engine.rewards import exact_match, numeric_match, params_of, reward_of

Verifier = Literal["match", "exact_match", "numeric_match", "math_verify", "reward"]
"""`match` is exact or numeric; `reward` leaves it to the run's pipeline; the others are reward terms by their kind."""


def is_right(text: str, answer: str) -> bool:
    """Equal as text up to spaces, or ending in the same number (which reads GSM8K's `#### n`)."""
    if exact_match.score(text, answer, exact_match.Params()) == 1:
        return True
    return numeric_match.score(text, answer, numeric_match.Params()) == 1


def reference_of(record: Record | None) -> str | None:
    """What an answer is compared with: the row's `answer`, else its completion's text."""
    if record is None or record.answer is not None:
        return None if record is None else record.answer
    if isinstance(record.completion, list):
        return record.completion[-1].content if record.completion else None
    return record.completion


def mark(verifier: Verifier, texts: Sequence[str], references: Sequence[str | None]) -> list[bool | None]:
    """Whether each text is right; None where the term cannot tell (a reference without a number, say)."""
    if verifier == "match":
        return [None if answer is None else is_right(text, answer) for text, answer in zip(texts, references, strict=True)]
    values = reward_of(verifier)(params_of(verifier)(), prompts=[""] * len(texts), completions=texts,
                                 completion_ids=[[] for _ in texts], answer=references)
    return [None if value is None else value >= 1 for value in values]
