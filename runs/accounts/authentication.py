"""How a request says who asks: a Bearer token in the header, or the browser's session with its CSRF token."""

from typing import Any

from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from runs.accounts.access import Actor, Scope
from runs.accounts.limits import TOKEN_FAILURES, address_of
from runs.accounts.secrets import token_actor
from runs.problems import Forbidden, Problem

SAFE = ("GET", "HEAD", "OPTIONS")


def actor_from(request: HttpRequest) -> Actor | None:
    """Who asks, found once per request; None for nobody. Raises Problem 401 for a token that is not good, 429 after many."""
    if not hasattr(request, "_actor"):
        request._actor = _token_or_session(request)  # type: ignore[attr-defined]
    return request._actor  # type: ignore[attr-defined,no-any-return]


def require_csrf(request: HttpRequest) -> None:
    """Raises Forbidden when a request of a browser does not carry the CSRF token of its session."""
    if check_csrf(request):
        raise Forbidden("The CSRF token is missing or old. Reload the page; programs use a token instead of a session.")


class TokenAuth(AuthBase):
    """`Authorization: Bearer lds_…`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" not in request.headers:
            return None
        actor = actor_from(request)
        if actor and request.method not in SAFE and not actor.has_scope(Scope.WRITE):
            raise Forbidden("This token may only read. Use one with the scope `write`.")
        return actor


class SessionAuth(AuthBase):
    """The session cookie; writes carry `X-CSRFToken` too."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = "lodestar_session"

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers:
            return None
        actor = actor_from(request)
        if actor and request.method not in SAFE:
            require_csrf(request)
        return actor


def _token_or_session(request: HttpRequest) -> Actor | None:
    header = request.headers.get("Authorization")
    if header is None:
        user = request.user
        return Actor(user) if user.is_authenticated and user.is_active else None
    scheme, _, secret = header.partition(" ")
    actor = token_actor(secret.strip()) if scheme.lower() == "bearer" else None
    if actor is None:
        TOKEN_FAILURES.refuse_when_spent(address_of(request))
        TOKEN_FAILURES.count(address_of(request))
        make = "Make another on the settings page or with `.venv/bin/lodestar token create`."
        detail = f"This token is unknown, revoked or expired. {make}"
        raise Problem(status=401, code="token_refused", detail=detail)
    return actor
