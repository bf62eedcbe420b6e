"""Rewards: terms that score an answer's text. A member is a file; its name is the term's `kind` in a pipeline.

Every member has

    class Params(TermParams)                              its knobs, each with default, bounds and help
    CARD = Card(title, summary, columns, range)           what the catalogue says of it
    def reward(params, *, prompts, completions, completion_ids, **columns) -> list[float | None]

the last in TRL's shape: lists of equal length, every data-set column by its own name (`answer` for the reference
answer), None where the term does not apply. A term must take any text a model can write: it never raises for one,
and it never takes long, so patterns are linear or bounded in time. Files that begin with `_` are shared reading.

A term that holds something for the length of a run (a model, a process, connections) has, instead of `reward`,

    def prepare(params, place: Place) -> Prepared

whose answer is called with the same lists, save that the prompt of a conversation comes as its messages, and is closed
at the run's end. What it cannot get at all it says by a Fault. One that knows more than a number of an answer gives
`Answered`: the numbers, with what each step of an answer earned, or with more numbers to draw as curves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from pydantic import BaseModel, ConfigDict

from workers.contract.catalogue import RewardTermCard
from workers.contract.records import Text
from workers.contract.run_spec import ModelKind, ModelRef
from workers.engine import members
from workers.engine.data.steps import StepValues


class TermParams(BaseModel):
    """The knobs of a term. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Card:
    """`columns` are those without which no row can be scored; `range` says in words what values come out.

    `model` is the kind of model that the term asks, `model_required` whether it must.
    """

    title: str
    summary: str
    columns: tuple[str, ...] = ()
    range: str = "0 or 1"
    model: ModelKind | None = None
    model_required: bool = False


@dataclass(frozen=True)
class Place:
    """Where a term is prepared: the model it asks, if any, the device that models stand on, the run's seed.

    `on_nan` is what the pipeline does with broken values: where it refuses, a term that knows why says so by a fault.
    """

    model: ModelRef | None
    device: torch.device
    seed: int
    on_nan: str = "refuse"


class Answered(list[float | None]):
    """A term's values, one an answer, with what else it knows of each.

    `steps` are what the answer's steps earned (None: the term knows no steps); `more` further numbers by name, one an
    answer, whose means are curves `rewards/<term>/<name>`.
    """

    def __init__(self, values: Iterable[float | None], *, steps: Sequence[StepValues] | None = None,
                 more: Mapping[str, Sequence[float | None]] | None = None) -> None:
        super().__init__(values)
        self.steps = steps
        self.more = dict(more or {})


class Reward(Protocol):
    def __call__(
        self, params: Any, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]: ...


class Prepared(Protocol):
    def __call__(
        self, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]: ...

    def close(self) -> None: ...


def kinds() -> tuple[str, ...]:
    """The names of all terms."""
    return members.names(__name__)


def reward_of(kind: str) -> Reward:
    """The function of the term `kind`. Raises LookupError."""
    return cast(Reward, members.load(__name__, kind).reward)


def params_of(kind: str) -> type[TermParams]:
    """The params model of the term `kind`. Raises LookupError."""
    return cast(type[TermParams], members.load(__name__, kind).Params)


def preparation_of(kind: str) -> Callable[[Any, Place], Prepared] | None:
    """What makes the term `kind` ready; None for one that holds nothing. Raises LookupError."""
    return getattr(members.load(__name__, kind), "prepare", None)


def card_of(kind: str) -> Card:
    """What the term `kind` says of itself. Raises LookupError."""
    return cast(Card, members.load(__name__, kind).CARD)


def card(kind: str) -> RewardTermCard:
    """The catalogue's card of the term `kind`. Raises LookupError."""
    own = card_of(kind)
    return RewardTermCard(
        kind=kind, title=own.title, summary=own.summary, params_schema=params_of(kind).model_json_schema(),
        columns=list(own.columns), range=own.range, model=own.model, model_required=own.model_required,
    )
