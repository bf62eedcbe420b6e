"""A template is what JSON can say: objects and lists with plain values, texts that refer to others, and slots below."""

from collections.abc import Iterator
from typing import Any


def leaves(template: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Everything below `template` that is neither object nor list, with the dotted place it stands at."""
    if isinstance(template, dict | list):
        for name, value in template.items() if isinstance(template, dict) else enumerate(template):
            yield from leaves(value, f"{place}.{name}".lstrip("."))
    else:
        yield place, template
