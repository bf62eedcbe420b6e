"""Tokens, sign-in links and socket tickets: 256 random bits each, shown once, kept as SHA-256 only."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from runs.accounts.access import Actor, Scope
from runs.accounts.models import ApiToken, OneTimeSecret, Project, SignInLink, SocketTicket, User
from runs.accounts.services import audit
from runs.ids import ALPHABET
from runs.problems import FieldError, Invalid, Problem

MARK = "lds_"
PREFIX_LENGTH = len(MARK) + 8
LINK_LIFE = timedelta(days=7)
TICKET_LIFE = timedelta(seconds=30)
LONGEST_TOKEN_LIFE = timedelta(days=3650)
S = TypeVar("S", bound=OneTimeSecret)
USE_NOTED_EVERY = timedelta(minutes=1)


def new_secret() -> str:
    """`lds_` and 52 base32 characters (260 bits): the mark lets scanners find one that leaked."""
    return MARK + "".join(secrets.choice(ALPHABET) for _ in range(52))


def hashed(secret: str) -> str:
    """SHA-256, hex. A slow hash protects guessable passwords; these have 260 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_token(
    actor: Actor,
    *,
    name: str,
    scopes: Sequence[Scope] = (Scope.READ, Scope.WRITE),
    expires_at: datetime | None = None,
    project: Project | None = None,
) -> tuple[ApiToken, str]:
    """The token and its secret, which nobody can read again. Raises Invalid for no scope or an end that cannot be.

    A token that makes another does not outlive itself by it.
    """
    _check_end(actor, expires_at)
    if not scopes:
        raise Invalid("A token needs a scope: read, write or admin.", [FieldError("scopes", "Name at least one.")])
    secret = new_secret()
    token = ApiToken.objects.create(
        user=actor.user,
        project=project,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        secret_hash=hashed(secret),
        scopes=sorted(set(scopes), key=list(Scope).index),
        expires_at=expires_at,
    )
    audit(project, actor, "token.create", token.id, {"name": name, "scopes": list(token.scopes)})
    return token, secret


def _check_end(actor: Actor, expires_at: datetime | None) -> None:
    now, last = timezone.now(), actor.token.expires_at if actor.token else None
    if expires_at and expires_at <= now:
        raise Invalid("`expires_at` has passed already.", [FieldError("expires_at", "Give a time to come.")])
    if expires_at and expires_at > now + LONGEST_TOKEN_LIFE:
        message = "`expires_at` is more than ten years away. Give an earlier time, or none."
        raise Invalid(message, [FieldError("expires_at", message)])
    if last and (expires_at is None or expires_at > last):
        message = f"The token that asks ends at {last.isoformat(timespec='seconds')}. Give that time or an earlier one."
        raise Invalid(message, [FieldError("expires_at", message)])


@transaction.atomic
def revoke_token(token: ApiToken, actor: Actor | None) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
    audit(token.project, actor, "token.revoke", token.id, {"name": token.name})


def token_actor(secret: str) -> Actor | None:
    """Who a Bearer token speaks for; None when it is unknown, revoked, expired, or its person is gone."""
    usable = Q(expires_at=None) | Q(expires_at__gt=Now())
    candidates = ApiToken.objects.filter(usable, prefix=secret[:PREFIX_LENGTH], revoked_at=None, user__is_active=True)
    wanted = hashed(secret)
    for token in candidates.select_related("user"):
        if hmac.compare_digest(token.secret_hash, wanted):
            _note_use(token)
            return Actor(token.user, token)
    return None


def _note_use(token: ApiToken) -> None:
    """Once a minute is enough, and keeps reads free of writes."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


@transaction.atomic
def create_link(user: User) -> str:
    """The secret of a link that signs `user` in once, within a week. It takes the place of any link made before."""
    SignInLink.objects.filter(user=user, used_at=None).delete()
    secret = new_secret()
    SignInLink.objects.create(secret_hash=hashed(secret), user=user, expires_at=timezone.now() + LINK_LIFE)
    return secret


@transaction.atomic
def redeem_link(secret: str) -> User:
    """Raises Problem 401 for a link that is unknown, used or expired."""
    link = _take(SignInLink, secret)
    if link is None or not link.user.is_active:
        detail = "This sign-in link was used or has expired. Ask for a new one: `.venv/bin/lodestar user link` on the server."
        raise Problem(status=401, code="link_spent", detail=detail)
    return link.user


@transaction.atomic
def create_ticket(actor: Actor, subject_id: str) -> tuple[str, datetime]:
    """A secret that opens one socket on `subject_id` (a run or a project) within 30 s, and when it ends."""
    SocketTicket.objects.filter(expires_at__lt=Now()).delete()
    secret, end = new_secret(), timezone.now() + TICKET_LIFE
    SocketTicket.objects.create(
        secret_hash=hashed(secret), user=actor.user, token=actor.token, subject_id=subject_id, expires_at=end
    )
    return secret, end


@transaction.atomic
def redeem_ticket(secret: str, subject_id: str) -> Actor | None:
    """Who the ticket speaks for; None when it is unknown, used, expired, or for another subject."""
    ticket = _take(SocketTicket, secret)
    if ticket is None or ticket.subject_id != subject_id:
        return None
    actor = Actor(ticket.user, ticket.token)
    return actor if still_valid(actor) else None


def still_valid(actor: Actor) -> bool:
    """Whether the person is still active and the token, if any, still good: for connections that live long."""
    if not User.objects.filter(pk=actor.user.pk, is_active=True).exists():
        return False
    if actor.token is None:
        return True
    usable = Q(expires_at=None) | Q(expires_at__gt=Now())
    return ApiToken.objects.filter(usable, pk=actor.token.pk, revoked_at=None).exists()


def _take(model: type[S], secret: str) -> S | None:
    """The secret's row, marked as used by the same statement that found it free: only one caller gets it."""
    rows = model._base_manager.filter(secret_hash=hashed(secret), used_at=None, expires_at__gt=Now())
    if not rows.update(used_at=Now()):
        return None
    return model._base_manager.select_related("user").get(secret_hash=hashed(secret))
