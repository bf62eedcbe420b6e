"""Whether a document has the shape that a schema asks for, told by field."""

from typing import Any

from pydantic import BaseModel, ValidationError

from runs.problems import FieldError


def shape_faults(schema: type[BaseModel], document: Any) -> list[FieldError]:
    """What is wrong with `document` as a `schema`; nothing when it fits."""
    try:
        schema.model_validate(document)
    except ValidationError as error:
        return told(error)
    return []


def told(error: ValidationError, *, below: str = "") -> list[FieldError]:
    """Each fault with its dotted field, below the field `below`, as a sentence."""
    return [FieldError(_place(below, *one["loc"]), _sentence(str(one["msg"]))) for one in error.errors()]


def _place(below: str, *parts: str | int) -> str:
    return ".".join([below, *map(str, parts)]).lstrip(".")


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ")
    return said if said.endswith(".") else f"{said}."
