"""Errors fit for the person who asked: each carries a status, a code and a sentence that says what to do (RFC 9457)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `field` is a dotted path into the request's body, or a parameter's name."""

    field: str
    message: str


class Problem(Exception):
    """A public error. One place, the API's handler, turns it into `application/problem+json`."""

    def __init__(self, *, status: int, code: str, detail: str, title: str = "", errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title or code.replace("_", " ").capitalize()
        self.errors = errors or []


class NotFound(Problem):
    """Unknown and foreign ids answer alike, so that nobody learns what exists."""

    def __init__(self, detail: str = "Nothing here by that id, or it is not yours to see. Check the id.") -> None:
        super().__init__(status=404, code="not_found", detail=detail)


class Forbidden(Problem):
    def __init__(self, detail: str) -> None:
        super().__init__(status=403, code="forbidden", detail=detail)


class Conflict(Problem):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(status=409, code=code, detail=detail)


class Invalid(Problem):
    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(status=422, code="invalid", detail=detail, errors=errors)
