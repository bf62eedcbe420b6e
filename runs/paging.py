"""Cursor pagination: pages of a queryset that neither skip nor repeat a row when others are added meanwhile."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from ninja import Schema

from runs.problems import FieldError, Invalid

T = TypeVar("T")
M = TypeVar("M", bound=Model)
LARGEST = 200


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
        ordered = ordered.filter(_after(order, _decode(cursor, len(order))))
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


def _decode(cursor: str, length: int) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [datetime.fromisoformat(value["t"]) if isinstance(value, dict) else value for value in plain]
        if len(values) != length or not all(isinstance(value, str | int | float | datetime | None) for value in values):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        message = "This cursor is not from this list. Start again without `cursor`."
        raise Invalid(message, [FieldError("cursor", message)]) from error
    return values
