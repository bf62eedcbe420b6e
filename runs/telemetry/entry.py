"""Who may open a socket, and whether they still may: a one-time ticket, or the session with an Origin that is ours (D16)."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.utils.crypto import constant_time_compare

from runs.accounts.access import Actor, Role, role_in
from runs.accounts.models import User
from runs.accounts.secrets import redeem_ticket, still_valid
from runs.launches.models import Run

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore

SIGNED_OUT = 4401
BAD_ORIGIN = 4403
UNKNOWN = 4404
TOO_SLOW = 4408
TOO_MANY = 4429


class Refused(Exception):
    """The socket must close; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who follows what. `session_key` is empty for a visitor who came by ticket."""

    actor: Actor
    project_id: str
    session_key: str


def parameters(scope: dict[str, Any]) -> dict[str, str]:
    """The last value of each query parameter."""
    return {name: values[-1] for name, values in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()}


def admit(scope: dict[str, Any], *, run_id: str = "", project_id: str = "") -> Visitor:
    """Lets in who may see the run or project, which annotators may not. Raises Refused; unknown and foreign ids alike."""
    ticket = parameters(scope).get("ticket", "")
    actor, session_key = (_by_ticket(ticket, run_id or project_id), "") if ticket else _by_session(scope)
    if run_id:
        project_id = Run.objects.filter(id=run_id).values_list("project_id", flat=True).first() or ""
    visitor = Visitor(actor, project_id, session_key)
    check(visitor)
    return visitor


def check(visitor: Visitor) -> None:
    """Raises Refused once the visitor has signed out, was put out of the project, or the project is gone."""
    if not still_valid(visitor.actor) or (visitor.session_key and not _session_lives(visitor)):
        raise Refused(SIGNED_OUT)
    if role_in(visitor.actor, visitor.project_id) in (None, Role.ANNOTATOR):
        raise Refused(UNKNOWN)


def _session_lives(visitor: Visitor) -> bool:
    """Signing out removes the session, a new password makes its hash another."""
    user = User.objects.get(pk=visitor.actor.user.pk)
    known = SessionStore(visitor.session_key).get(HASH_SESSION_KEY, "")
    return constant_time_compare(known, user.get_session_auth_hash())


def _by_ticket(ticket: str, subject_id: str) -> Actor:
    actor = redeem_ticket(ticket, subject_id)
    if actor is None:
        raise Refused(SIGNED_OUT)
    return actor


def _by_session(scope: dict[str, Any]) -> tuple[Actor, str]:
    if not _own_origin(scope):
        raise Refused(BAD_ORIGIN)
    user, session = scope.get("user"), scope.get("session")
    if user is None or session is None or not user.is_authenticated or not session.session_key:
        raise Refused(SIGNED_OUT)
    return Actor(User.objects.get(pk=user.pk)), session.session_key


def _own_origin(scope: dict[str, Any]) -> bool:
    """A browser names the page's origin; it must be this server, or one the site trusts. No Origin, no session."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    origin = headers.get(b"origin", "")
    same = urlsplit(origin).netloc == headers.get(b"host", "") and origin.startswith(("http://", "https://"))
    return bool(origin) and (same or origin in settings.CSRF_TRUSTED_ORIGINS)
