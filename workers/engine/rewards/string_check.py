"""String check: OpenAI's grader of that name. 1 when the input stands to the reference as the operation says, else 0."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from workers.contract.templates import fault_in, filled
from workers.engine.rewards import Card, TermParams


class Params(TermParams):
    operation: Literal["eq", "ne", "like", "ilike"] = Field(default="eq", title="Operation", description=(
        "eq: equal. ne: not equal. like: the input contains the reference. ilike: the same, upper and lower case alike."))
    input: str = Field(default="{{ sample.output_text }}", max_length=10_000, title="Input", description=(
        "What is checked; {{ sample.output_text }} is the answer, {{ item.column }} a column of its row."))
    reference: str = Field(default="{{ item.answer }}", max_length=10_000, title="Reference", description=(
        "What it is checked against, written in the same way."))

    @field_validator("input", "reference")
    @classmethod
    def readable(cls, template: str) -> str:
        if fault := fault_in(template):
            raise ValueError(fault)
        return template


CARD = Card("String check", "1 when the answer equals, or contains, what a template says; else 0.")


def reward(
    params: Params, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
    **columns: Sequence[Any],
) -> list[float | None]:
    """None where a template names a column in which the row has nothing."""
    return [score(params, text, item_of(index, prompts, columns)) for index, text in enumerate(completions)]


def score(params: Params, text: str, item: dict[str, Any]) -> float | None:
    given, wanted = (filled(template, {"output_text": text}, item) for template in (params.input, params.reference))
    if given is None or wanted is None:
        return None
    match params.operation:
        case "eq":
            return float(given == wanted)
        case "ne":
            return float(given != wanted)
        case "like":
            return float(wanted in given)
        case "ilike":
            return float(wanted.casefold() in given.casefold())


def item_of(index: int, prompts: Sequence[str], columns: dict[str, Sequence[Any]]) -> dict[str, Any]:
    """A row as graders know it: its columns by name, and its prompt as text."""
    return {"prompt": prompts[index]} | {name: values[index] for name, values in columns.items() if index < len(values)}
