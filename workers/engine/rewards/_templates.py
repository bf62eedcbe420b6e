"""What terms share that compare two templates, filled in from an answer and its row."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from workers.contract.templates import filled
from workers.engine.rewards import Reward


def template_field(default: str, title: str, description: str) -> Any:
    """A field for a `Template` of a term."""
    return Field(default=default, max_length=10_000, title=title, description=description)


def comparing(compare: Callable[[Any, str, str], float]) -> Reward:
    """A term's `reward` from `compare(params, given, wanted)`, asked about `params.input` and `params.reference` filled in.

    None where a template names a column in which the row has nothing.
    """
    def reward(
        params: Any, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        scores: list[float | None] = []
        for index, text in enumerate(completions):
            item = item_of(index, prompts, columns)
            given, wanted = (filled(template, {"output_text": text}, item) for template in (params.input, params.reference))
            scores.append(None if given is None or wanted is None else compare(params, given, wanted))
        return scores

    return reward


def item_of(index: int, prompts: Sequence[str], columns: dict[str, Sequence[Any]]) -> dict[str, Any]:
    """A row as graders know it: its columns by name, and its prompt as text."""
    return {"prompt": prompts[index]} | {name: values[index] for name, values in columns.items() if index < len(values)}
