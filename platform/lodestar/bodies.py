"""What a request's body may be: its size before anybody has signed in, and JSON that every database can hold."""

import json
from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser

from runs.datasets.storage import LARGEST_CHUNK_BYTES
from runs.problem_answers import problem_response
from runs.problems import FieldError, Invalid, Problem
from runs.sizes import size_words

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

UPLOADS = "/api/v1/uploads/"
DEEPEST = 64
LARGEST_INTEGER = 2**63 - 1
"""What a column of a database can hold."""


class BodyLimit:
    """The outermost layer: Django keeps a whole body on disk before it asks who sends it, so size is checked here.

    A body of unknown length is counted as it comes; too long a one ends for Django like a caller that went away.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit, size = _limit(scope), _announced(scope)
        come = 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            return {"type": "http.disconnect"} if come > limit else message

        if size <= limit:
            await self.application(scope, counted, send)
        if max(size, come) > limit:
            await _refuse(send, limit)


def _limit(scope: Message) -> int:
    """Bytes that a body may have. Files come in pieces, all else is a document."""
    is_piece = scope["method"] == "PATCH" and scope["path"].startswith(UPLOADS)
    return LARGEST_CHUNK_BYTES if is_piece else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _announced(scope: Message) -> int:
    """Content-Length, 0 when there is none that can be read."""
    given = dict(scope["headers"]).get(b"content-length", b"0")
    return int(given) if given.isdigit() and len(given) < 20 else 0


async def _refuse(send: Send, limit: int) -> None:
    response = problem_response(HttpRequest(), too_large(limit))
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": response.content})


def too_large(limit: int) -> Problem:
    detail = f"A body here may have {size_words(limit)}. Send less; files go to /uploads in pieces."
    return Problem(status=413, code="too_large", detail=detail)


class StrictParser(Parser):
    """JSON as the standard has it, and with nothing in it that a database refuses."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises Invalid naming the place; ValueError or RecursionError for what is no JSON."""
        body = json.loads(request.body, parse_constant=_no_constant)
        check_values(body)
        return cast(dict[str, Any], body)


def check_values(document: Any) -> None:
    """Raises Invalid for a value that cannot be kept: too deep, too large, or no text. Without recursion."""
    waiting: list[tuple[str, int, Any]] = [("", 0, document)]
    while waiting:
        place, depth, value = waiting.pop()
        if isinstance(value, dict):
            _check_text(place, "".join(value))
            waiting += [(f"{place}.{name}".lstrip("."), depth + 1, inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}.{number}".lstrip("."), depth + 1, inner) for number, inner in enumerate(value)]
        elif isinstance(value, str):
            _check_text(place, value)
        elif _is_too_large(value):
            raise _invalid(place, "is too large a number. Give a smaller one.")
        if depth > DEEPEST:
            raise _invalid(place[:200], f"is nested deeper than {DEEPEST} levels. Flatten it.")


def _is_too_large(value: Any) -> bool:
    return abs(value) > LARGEST_INTEGER if isinstance(value, int) else isinstance(value, float) and not isfinite(value)


def _check_text(place: str, text: str) -> None:
    if "\x00" in text:
        raise _invalid(place, "holds a NUL character, which no text has. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(place, "holds half of a surrogate pair, which is no character. Fix the escape \\ud….") from None


def _no_constant(name: str) -> Any:
    raise Invalid(f"The body holds {name}, which is no JSON number. Write null or leave the field out.")


def _invalid(place: str, what: str) -> Invalid:
    shown = place.encode(errors="replace").decode().replace("\x00", "?")
    return Invalid(f"`{shown}` {what}", [FieldError(shown, f"This {what}")])
