"""Values of a known sort inside a template: what a stage will give, or a model or data set that somebody chose.

While a recipe is checked, references become slots, so that a wrong sort is found before anything runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runs.recipes.templates import leaves
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind

PLACEHOLDERS: dict[str, Any] = {"data set": {"version_id": "later"}}


@dataclass(frozen=True)
class Slot:
    """`what` is the sort in words; `head` tells of a model what it answers, `rows` of data which kinds it may hold.

    `value` is None where it is known only later. `said` is the reference as written.
    """

    what: str
    said: str = ""
    value: Any = None
    head: ModelKind | None = None
    rows: tuple[RecordKind, ...] = ()


def plain(template: Any) -> Any:
    """`template` as a form would send it: each slot's value, or a stand-in of the same shape."""
    if isinstance(template, dict):
        return {name: plain(value) for name, value in template.items()}
    if isinstance(template, list):
        return [plain(value) for value in template]
    if isinstance(template, Slot):
        return PLACEHOLDERS.get(template.what, "later") if template.value is None else template.value
    return template


def slots_in(template: Any) -> Iterator[tuple[str, Slot]]:
    """Every slot with the dotted place it stands at."""
    return ((place, value) for place, value in leaves(template) if isinstance(value, Slot))
