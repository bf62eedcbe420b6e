"""Numeric match: the number the answer ends up with equals the reference's, however each is written.

Reads GSM8K's `#### 1,234`, a `\\boxed{}`, or the last number of the text. A unit or a currency sign is passed over.
Decimal commas and digits grouped by spaces are not read: they cannot be told from lists in running text.
"""

from typing import Literal

from pydantic import Field

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._numbers import close, final_number
from workers.engine.rewards._references import by_reference


class Params(TermParams):
    tolerance: float = Field(default=1e-6, ge=0, le=1, title="Tolerance", description=(
        "Largest difference that still counts, as a share of the reference (of 1 when the reference is smaller)."))
    percent: Literal["unit", "fraction"] = Field(default="unit", title="Percent", description=(
        "How 50% is read: as 50 (the sign is a unit) or as 0.5."))
    marker_only: bool = Field(default=False, title="Only after ####", description=(
        "Score 0 unless the answer gives its number after ####, instead of falling back to its last number."))
    partial: float = Field(default=0.0, ge=0, le=1, title="Reward for any number", description=(
        "Given when the answer has a number, but a wrong one."))


CARD = Card("Numeric match", "1 when the final number of the answer equals that of the reference; else 0.", ("answer",),
            "0 or 1; the reward for any number where one is set")


def score(text: str, gold: str | None, params: Params) -> float | None:
    """None for a row whose reference holds no number: it cannot be right or wrong."""
    fraction = params.percent == "fraction"
    wanted = final_number(gold, percent_as_fraction=fraction) if gold is not None else None
    if wanted is None:
        return None
    found = final_number(text, percent_as_fraction=fraction, marker_only=params.marker_only)
    if found is None:
        return 0.0
    return 1.0 if close(found, wanted, params.tolerance) else params.partial


reward = by_reference(score)
