"""Length: what an answer's number of tokens earns or costs."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from workers.engine.rewards import Card, TermParams


class Params(TermParams):
    mode: Literal["soft_overlong", "target", "penalty"] = Field(default="soft_overlong", title="Mode", description=(
        "soft_overlong: 0 up to `limit - cache`, falling to -1 at `limit`, -1 above (DAPO). "
        "target: 1 at `limit` tokens, falling to 0 at none or at twice as many. "
        "penalty: minus the share of `limit` that was used, at most -1."))
    limit: int = Field(default=256, ge=1, le=1_000_000, title="Length", description="The length the mode refers to.",
                       json_schema_extra={"x-unit": "tokens"})
    cache: int = Field(default=64, ge=1, le=1_000_000, title="Cache", description=(
        "How many tokens before the limit the soft punishment begins."), json_schema_extra={"x-unit": "tokens"})

    @model_validator(mode="after")
    def fits(self) -> "Params":
        if self.mode == "soft_overlong" and self.cache > self.limit:
            raise ValueError(f"The cache ({self.cache}) must not be longer than the limit ({self.limit}).")
        return self


CARD = Card("Length", "Rewards or punishes the number of tokens written.", (), "−1 to 1")


def soft_overlong(tokens: int, params: Params) -> float:
    """0 if n ≤ L−c; (L−c−n)/c up to L; −1 above (DAPO, arXiv 2503.14476, eq. 13)."""
    if tokens > params.limit:
        return -1.0
    return min(0.0, (params.limit - params.cache - tokens) / params.cache)


def score(tokens: int, params: Params) -> float:
    if params.mode == "soft_overlong":
        return soft_overlong(tokens, params)
    if params.mode == "target":
        return max(0.0, 1 - abs(tokens - params.limit) / params.limit)
    return max(-1.0, -tokens / params.limit)


def reward(
    params: Params, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
    **columns: Sequence[Any],
) -> list[float | None]:
    return [score(len(ids), params) for ids in completion_ids]
