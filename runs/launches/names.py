"""Friendly names for runs that nobody named."""

from coolname import generate_slug


def friendly_name(method: str) -> str:
    """The method and two words, such as `dpo-amber-falcon`: on boards and in legends it tells what was done."""
    return f"{method}-{generate_slug(2)}"
