"""Text of models, of people's functions and of other servers, made fit for every database that is supported.

A model can write NUL, and an escape in JSON half of a surrogate pair; Postgres takes neither in text nor in JSON.
"""

from typing import Any


def storable(value: Any) -> Any:
    """The same texts, lists and dicts with U+FFFD for each NUL and `?` for each half of a surrogate pair.

    As deep as the contract's documents are: Python's recursion bounds it.
    """
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value
