"""Cursor pagination: pages of a queryset that neither skip nor repeat a row when others are added meanwhile."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Generic, TypeVar

from django.db.models import CharField, DateTimeField, F, Field, FloatField, IntegerField, Model, Q, QuerySet, TextField
from ninja import Schema

from runs.problems import FieldError, Invalid

T = TypeVar("T")
M = TypeVar("M", bound=Model)
LARGEST = 200
LONGEST_CURSOR = 2000


class Page(Schema, Generic[T]):
    """One page of a list; `next` is the `cursor` of the page after it, null on the last one."""

    items: list[T]
    next: str | None = None


def paginate(
    rows: QuerySet[M, Any], cursor: str | None, limit: int = 50, *, order: Sequence[str] = ("-created_at", "id")
) -> tuple[list[M], str | None]:
    """`limit` rows after `cursor` in `order` (field names, "-" for descending, empty values last), and the next cursor.

    The last field of `order` must be unique. Raises Invalid for a limit out of 1 to 200 or a cursor that is not ours.
    """
    if not 1 <= limit <= LARGEST:
        message = f"`limit` is {limit}; give 1 to {LARGEST}."
        raise Invalid(message, [FieldError("limit", message)])
    ordered = rows.order_by(*[_nulls_last(name) for name in order])
    if cursor:
        ordered = ordered.filter(_after(order, _decode(cursor, rows, order)))
    found = list(ordered[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _encode([getattr(found[limit - 1], name.lstrip("-")) for name in order])


def _nulls_last(name: str) -> Any:
    field = F(name.lstrip("-"))
    return field.desc(nulls_last=True) if name.startswith("-") else field.asc(nulls_last=True)


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that stand behind the row with `values`: greater in one field and equal in all before it."""
    behind, equal = Q(pk__in=[]), Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        if value is not None:
            lookup = "lt" if name.startswith("-") else "gt"
            behind |= equal & (Q(**{f"{field}__{lookup}": value}) | Q(**{f"{field}__isnull": True}))
        equal &= Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})
    return behind


def _encode(values: list[Any]) -> str:
    plain = [{"t": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, rows: QuerySet[Any, Any], order: Sequence[str]) -> list[Any]:
    """One value for each field of `order`. A cursor comes from outside: each value must be one that its field can hold."""
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(plain, list):
            raise TypeError
        return [_held_by(_field(rows, name), value) for name, value in zip(order, plain, strict=True)]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        message = "This cursor is not from this list. Start again without `cursor`."
        raise Invalid(message, [FieldError("cursor", message)]) from error


def _field(rows: QuerySet[Any, Any], name: str) -> "Field[Any, Any]":
    """What `order` names: a column of the model, or a value that the query adds."""
    name = name.lstrip("-")
    added = rows.query.annotations.get(name)
    if added is not None:
        return added.output_field
    meta = rows.model._meta
    found = meta.pk if name == "pk" else meta.get_field(name)
    if not isinstance(found, Field):
        raise KeyError(name)
    return found


def _held_by(field: "Field[Any, Any]", value: Any) -> Any:
    """The value as the database takes it. Raises ValueError, TypeError, KeyError or OverflowError for any other."""
    if value is None:
        return None
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat(value["t"]).astimezone(UTC)
    if isinstance(value, bool):
        raise TypeError
    if isinstance(field, FloatField) and isinstance(value, int | float) and isfinite(value):
        return float(value)
    if isinstance(field, IntegerField) and isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(field, CharField | TextField) and isinstance(value, str) and "\x00" not in value:
        value.encode()  # half of a surrogate pair is a ValueError here, and not in the database
        return value
    raise TypeError
