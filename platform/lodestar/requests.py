"""What every request gets: a number, one log line, and the headers that keep a browser out of trouble."""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from runs.ids import ALPHABET
from runs.problem_answers import problem_response
from runs.problems import Invalid, NotFound, Problem

log = structlog.get_logger("lodestar.request")
GIVEN_ID = re.compile(r"[\w-]{8,64}")
QUIET = ("/healthz", "/static/")
LONGEST_QUERY = 32 * 1024


class RequestMiddleware:
    """The outermost: numbers the request (X-Request-Id), logs it without its query string, sets the policy headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = _request_id(request)  # type: ignore[attr-defined]
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            refusal = _bad_address(request)
            response = problem_response(request, refusal) if refusal else _as_problem(request, self.get_response(request))
            if not request.path.startswith(QUIET):
                _log(request, response, time.perf_counter() - started)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        response.setdefault("Content-Security-Policy", content_policy(request.csp_nonce))  # type: ignore[attr-defined]
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        if request.path.startswith("/api/"):
            response.setdefault("Cache-Control", "no-store")
        return response


def _as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Refusals of the frameworks below the API (wrong method, unknown host, body too large) in the API's own shape."""
    plain = response.status_code >= 400 and "json" not in response.get("Content-Type", "")
    if not plain or not request.path.startswith("/api/"):
        return response
    status = response.status_code
    code = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, f"http_{status}")
    detail = {405: f"{request.method} is not possible here. Try {response.get('Allow', 'another method')}."}
    said = detail.get(status, f"The server refused this request ({response.reason_phrase}). Check address, headers and size.")
    problem = problem_response(request, Problem(status=status, code=code, detail=said))
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    return problem


def _bad_address(request: HttpRequest) -> Problem | None:
    """Why no route may see this address: some databases refuse NUL and all of them patterns without end."""
    query = request.META.get("QUERY_STRING", "")
    if "\x00" in request.path:
        return NotFound()
    if "%00" in query or "\x00" in query:
        return Invalid("The query holds a NUL character. Remove it.")
    if len(query) > LONGEST_QUERY:
        detail = f"The query has {len(query)} characters; {LONGEST_QUERY} fit. Ask for less at once."
        return Problem(status=414, code="too_long", detail=detail)
    return None


def content_policy(nonce: str) -> str:
    """Scripts from this server only and none inline; styles from here or with this answer's nonce; nothing from afar."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _request_id(request: HttpRequest) -> str:
    """The caller's X-Request-Id when it is a plain word, else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if GIVEN_ID.fullmatch(given) else "req_" + "".join(secrets.choice(ALPHABET) for _ in range(16))


def _log(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    actor = getattr(request, "_actor", None)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round(1000 * seconds, 1),
        user=actor.user.pk if actor else None,
    )
