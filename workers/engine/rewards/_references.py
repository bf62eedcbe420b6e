"""What terms share that look at one answer and its row's reference at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from workers.engine.rewards import Reward


def by_reference(score: Callable[[str, str | None, Any], float | None]) -> Reward:
    """A term's `reward` from `score(text, gold, params)`; gold is None for a row without a reference answer."""
    def reward(
        params: Any, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        answer: Sequence[str | None] = (), **columns: Sequence[Any],
    ) -> list[float | None]:
        golds = answer or [None] * len(completions)
        return [score(text, gold, params) for text, gold in zip(completions, golds, strict=True)]

    return reward
