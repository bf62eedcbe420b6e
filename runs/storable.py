"""Documents with text of models, of people's functions and of other servers, made fit for the database."""

from typing import Any

from workers.contract.text import storable_text


def storable(value: Any) -> Any:
    """The same lists and dicts with every text `storable_text`.

    As deep as the contract's documents are: Python's recursion bounds it.
    """
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value
