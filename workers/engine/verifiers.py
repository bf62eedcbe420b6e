"""Right or wrong: answers against references, by the reward terms that check them."""

from collections.abc import Sequence
from typing import Literal

from workers.engine.rewards import params_of, reward_of
from workers.engine.sampler.greedy_match import is_right

Verifier = Literal["match", "exact_match", "numeric_match", "math_verify", "reward"]
"""`match` is exact or numeric; `reward` leaves it to the run's pipeline; the others are reward terms by their kind."""


def mark(verifier: Verifier, texts: Sequence[str], references: Sequence[str | None]) -> list[bool | None]:
    """Whether each text is right; None where the term cannot tell (a reference without a number, say)."""
    if verifier == "match":
        return [None if answer is None else is_right(text, answer) for text, answer in zip(texts, references, strict=True)]
    values = reward_of(verifier)(params_of(verifier)(), prompts=[""] * len(texts), completions=texts,
                                 completion_ids=[[] for _ in texts], answer=references)
    return [None if value is None else value >= 1 for value in values]
