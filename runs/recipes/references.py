"""References inside a definition: `${params.pairs}`, `${stages.sft.model}`, and `choose`, which takes one of several.

A text that is nothing but a reference becomes the value itself; inside a longer text it is written out. An object
`{choose: ${params.algorithm}, from: {ppo: …, grpo: …}}` becomes what stands under the value. An entry whose value is
an optional parameter left empty is left out.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runs.recipes.templates import leaves

REFERENCE = re.compile(r"\$\{\s*(params|stages)\.([A-Za-z0-9_-]+)(?:\.([A-Za-z0-9_-]+))?\s*\}")
ANY = re.compile(r"\$\{[^}]*\}?")
ABSENT = object()
"""What an optional parameter stands for that nobody gave."""


@dataclass(frozen=True)
class Reference:
    """`part` is the output of a stage, or empty for a parameter; `text` is the reference as written."""

    root: str
    name: str
    part: str
    text: str

    def is_whole(self) -> bool:
        """Whether it has the form its root asks for: two names for a parameter, three for an output."""
        return bool(self.part) == (self.root == "stages")


Lookup = Callable[[Reference], Any]


def references_in(template: Any) -> Iterator[tuple[str, Reference | str]]:
    """Every reference below `template` with the dotted place it stands at; one that cannot be read as its bare text."""
    for place, text in leaves(template):
        for found in ANY.finditer(text) if isinstance(text, str) else ():
            read = REFERENCE.fullmatch(found[0])
            reference = _reference(read) if read else None
            yield place, reference if reference and reference.is_whole() else found[0]


def _reference(found: re.Match[str]) -> Reference:
    return Reference(root=found[1], name=found[2], part=found[3] or "", text=found[0])


def resolve(template: Any, lookup: Lookup) -> Any:
    """`template` with every reference replaced by what `lookup` says. Raises KeyError where `choose` finds nothing."""
    if isinstance(template, list):
        items = [resolve(value, lookup) for value in template]
        return [item for item in items if item is not ABSENT]
    if isinstance(template, dict):
        if set(template) == {"choose", "from"}:
            return resolve(template["from"][resolve(template["choose"], lookup)], lookup)
        found = {name: resolve(value, lookup) for name, value in template.items()}
        return {name: value for name, value in found.items() if value is not ABSENT}
    if isinstance(template, str):
        return _resolve_text(template, lookup)
    return template


def _resolve_text(text: str, lookup: Lookup) -> Any:
    whole = REFERENCE.fullmatch(text)
    if whole:
        return lookup(_reference(whole))
    return REFERENCE.sub(lambda found: _written(lookup(_reference(found))), text)


def _written(value: Any) -> str:
    return "" if value is ABSENT else str(value)
