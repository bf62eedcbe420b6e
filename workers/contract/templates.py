"""Templates of OpenAI's graders: `{{ sample.output_text }}` and `{{ item.column.key[0] }}`. Substitution, never evaluation."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
PATH = re.compile(r"(sample|item)((?:\.[A-Za-z_][\w-]*|\[\d+\])+)")
STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]")
SAMPLE_FIELDS = ("output_text",)


def fault_in(template: str) -> str:
    """What is wrong with a template, as a sentence; empty when nothing is."""
    for found in PLACE.findall(template):
        path = PATH.fullmatch(found)
        if path is None:
            return f"{{{{ {found} }}}} is no place; write {{{{ sample.output_text }}}} or {{{{ item.column }}}}"
        if path[1] == "sample" and path[2].lstrip(".") not in SAMPLE_FIELDS:
            return f"{{{{ {found} }}}} is not known; of the sample there is {{{{ sample.output_text }}}}"
    return ""


def readable(template: str) -> str:
    """The template itself. Raises ValueError with what is wrong with it."""
    if fault := fault_in(template):
        raise ValueError(fault)
    return template


Template = Annotated[str, AfterValidator(readable)]
"""A field that holds one."""


def filled(template: str, sample: Mapping[str, Any], item: Mapping[str, Any],
           fenced: Callable[[str], str] = lambda text: text) -> str | None:
    """The template with every place filled in; None when one has no value. What is not text is written as JSON.

    `fenced` is applied to every text of the sample that is put in.
    """
    parts, at = [], 0
    for place in PLACE.finditer(template):
        path = PATH.fullmatch(place[1])
        value = None if path is None else _value({"sample": sample, "item": item}[path[1]], path[2])
        if value is None:
            return None
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts += [template[at: place.start()], fenced(text) if place[1].startswith("sample") else text]
        at = place.end()
    return "".join([*parts, template[at:]])


def _value(held: Any, path: str) -> Any:
    """What stands at the path; None when nothing does."""
    for name, index in STEP.findall(path):
        if name:
            held = held.get(name) if isinstance(held, Mapping) else None
        else:
            held = held[int(index)] if isinstance(held, list) and int(index) < len(held) else None
        if held is None:
            return None
    return held
