"""Friendly names for runs that nobody named."""

from coolname import generate_slug


def friendly_name() -> str:
    """Two words, such as `amber-falcon`."""
    return str(generate_slug(2))
