"""Rewards: terms that score an answer's text. A member is a file; its name is the term's `kind` in a pipeline.

Every member has

    class Params(TermParams)                              its knobs, each with default, bounds and help
    CARD = Card(title, summary, columns, range)           what the catalogue says of it
    def reward(params, *, prompts, completions, completion_ids, **columns) -> list[float | None]

the last in TRL's shape: lists of equal length, every data-set column by its own name (`answer` for the reference
answer), None where the term does not apply. A term must take any text a model can write: it never raises for one,
and it never takes long, so patterns are linear or bounded in time. Files that begin with `_` are shared reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict

from workers.contract.catalogue import RewardTermCard
from workers.engine import members


class TermParams(BaseModel):
    """The knobs of a term. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Card:
    """`columns` are those without which no row can be scored; `range` says in words what values come out."""

    title: str
    summary: str
    columns: tuple[str, ...] = ()
    range: str = "0 or 1"


class Reward(Protocol):
    def __call__(
        self, params: Any, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]: ...


def kinds() -> tuple[str, ...]:
    """The names of all terms."""
    return members.names(__name__)


def reward_of(kind: str) -> Reward:
    """The function of the term `kind`. Raises LookupError."""
    return cast(Reward, members.load(__name__, kind).reward)


def params_of(kind: str) -> type[TermParams]:
    """The params model of the term `kind`. Raises LookupError."""
    return cast(type[TermParams], members.load(__name__, kind).Params)


def needed_columns(kind: str) -> tuple[str, ...]:
    """The columns without which the term `kind` can score nothing. Raises LookupError."""
    return cast(Card, members.load(__name__, kind).CARD).columns


def card(kind: str) -> RewardTermCard:
    """The catalogue's card of the term `kind`. Raises LookupError."""
    own = cast(Card, members.load(__name__, kind).CARD)
    return RewardTermCard(
        kind=kind, title=own.title, summary=own.summary, params_schema=params_of(kind).model_json_schema(),
        columns=list(own.columns), range=own.range,
    )
