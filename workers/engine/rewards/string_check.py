"""String check: OpenAI's grader of that name. 1 when the input stands to the reference as the operation says, else 0."""

from typing import Literal

from pydantic import Field

from workers.contract.templates import Template
from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._templates import comparing, template_field


class Params(TermParams):
    operation: Literal["eq", "ne", "like", "ilike"] = Field(default="eq", title="Operation", description=(
        "eq: equal. ne: not equal. like: the input contains the reference. ilike: the same, upper and lower case alike."))
    input: Template = template_field("{{ sample.output_text }}", "Input", (
        "What is checked; {{ sample.output_text }} is the answer, {{ item.column }} a column of its row."))
    reference: Template = template_field("{{ item.answer }}", "Reference", "What it is checked against, written in the same way.")


CARD = Card("String check", "1 when the answer equals, or contains, what a template says; else 0.")


def compare(params: Params, given: str, wanted: str) -> float:
    match params.operation:
        case "eq":
            return float(given == wanted)
        case "ne":
            return float(given != wanted)
        case "like":
            return float(wanted in given)
        case "ilike":
            return float(wanted.casefold() in given.casefold())


reward = comparing(compare)
