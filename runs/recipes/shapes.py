"""Whether a document has the shape that a schema asks for, told by field."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from runs.problems import FieldError, Invalid

Shape = TypeVar("Shape", bound=BaseModel)


def shape_faults(schema: type[BaseModel], document: Any) -> list[FieldError]:
    """What is wrong with `document` as a `schema`; nothing when it fits."""
    try:
        schema.model_validate(document)
    except ValidationError as error:
        return _told(error)
    return []


def shaped(schema: type[Shape], document: Any, *, below: str = "", summary: str = "") -> Shape:
    """`document` as a `schema`. Raises Invalid with every fault, below the field `below`; `summary` begins its sentence."""
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        faults = _told(error, below)
        raise Invalid(f"{summary} {faults[0].field}: {faults[0].message}".lstrip(), faults) from error


def _told(error: ValidationError, below: str = "") -> list[FieldError]:
    """Each fault with its dotted field, as a sentence."""
    return [FieldError(_place(below, *one["loc"]), _sentence(str(one["msg"]))) for one in error.errors()]


def _place(below: str, *parts: str | int) -> str:
    return ".".join([below, *map(str, parts)]).lstrip(".")


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ")
    return said if said.endswith(".") else f"{said}."
