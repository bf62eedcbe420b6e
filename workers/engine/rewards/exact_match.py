"""Exact match: the answer, tidied as asked, is the reference answer, tidied in the same way."""

from pydantic import Field

from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._references import by_reference


class Params(TermParams):
    after: str = Field(default="", max_length=100, title="After", description=(
        "Compare only what follows the last place of this text, such as ####. Empty compares everything. "
        "An answer without it scores 0."))
    first_line: bool = Field(default=False, title="First line only", description="Ignore what follows the answer's first line.")
    ignore_case: bool = Field(default=False, title="Ignore case", description="Take upper and lower case as equal.")
    ignore_spaces: bool = Field(default=True, title="Ignore spaces", description=(
        "Drop spaces at both ends and take any run of them as one."))


CARD = Card("Exact match", "1 when the answer is the reference answer, letter for letter; else 0.", ("answer",))


def tidy(text: str, params: Params) -> str | None:
    """The part of `text` that is compared; None when the marker is missing."""
    if params.after:
        _, found, text = text.rpartition(params.after)
        if not found:
            return None
    text = text.strip() if params.ignore_spaces or params.first_line else text
    if params.first_line:
        text = text.split("\n", 1)[0]
    if params.ignore_spaces:
        text = " ".join(text.split())
    return text.casefold() if params.ignore_case else text


def score(text: str, gold: str | None, params: Params) -> float | None:
    """None for a row without a reference answer. A reference without the marker is compared whole."""
    if gold is None:
        return None
    wanted = tidy(gold, params)
    if wanted is None:
        wanted = tidy(gold, params.model_copy(update={"after": ""}))
    return float(tidy(text, params) == wanted)


reward = by_reference(score)
