"""Idempotency-Key on every POST: the first answer again, kept for a day, in the transaction of what it made (D12).

A key is marked as in work before the request is handled, in a transaction of its own, so that a second request
meanwhile is told so at once. The answer is then stored by the transaction that also holds the new object: either both
are there or neither. Refused requests leave nothing behind and may be sent again with the same key.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from runs.accounts.access import Actor
from runs.accounts.authentication import actor_from, require_csrf
from runs.accounts.models import IdempotentAnswer, User
from runs.problem_answers import problem_response
from runs.problems import Conflict, Invalid, Problem

API = "/api/v1/"
LIFE = timedelta(hours=24)
IN_WORK = timedelta(seconds=60)
LONGEST_KEY = 255


def keep_secret(request: HttpRequest) -> None:
    """Called by routes whose answer shows a secret: it goes to the asker and is not written down."""
    request._answer_is_secret = True  # type: ignore[attr-defined]


class IdempotencyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if not key or request.method != "POST" or not request.path.startswith(API):
            return self.get_response(request)
        try:
            actor = actor_from(request)
            if actor is None:
                return self.get_response(request)
            if actor.token is None:
                require_csrf(request)
            return self._once(request, actor, key)
        except Problem as problem:
            return problem_response(request, problem)

    def _once(self, request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
        """Raises Problem for a key that is too long, in work, or was used for another body."""
        if len(key) > LONGEST_KEY:
            raise Invalid(f"The Idempotency-Key has {len(key)} characters; {LONGEST_KEY} fit.")
        digest = hashlib.sha256(f"{_reach(actor)}\n{request.get_full_path()}\n".encode() + request.body).hexdigest()
        mark = _mark(actor.user, key, request.path[:300], digest)
        if mark.status is not None:
            return _repeat(mark)
        try:
            return self._handle(request, mark)
        finally:
            IdempotentAnswer.objects.filter(pk=mark.pk, status=None).delete()

    def _handle(self, request: HttpRequest, mark: IdempotentAnswer) -> HttpResponse:
        with transaction.atomic():
            response = self.get_response(request)
            if response.status_code >= 400 or response.streaming:
                transaction.set_rollback(True)
            else:
                secret = getattr(request, "_answer_is_secret", False)
                mark.status = response.status_code
                mark.content_type = response.get("Content-Type", "")
                mark.body = None if secret else response.content.decode()
                mark.save(update_fields=["status", "content_type", "body"])
        return response


def _reach(actor: Actor) -> str:
    """What the credential that asks may do: an answer is repeated only to one that could have got it first."""
    return f"{actor.token.project_id} {actor.token.scopes}" if actor.token else "session"


def _mark(user: User, key: str, route: str, digest: str) -> IdempotentAnswer:
    """A new mark, or the one that holds the first answer. Raises Conflict while that is being worked on."""
    now = timezone.now()
    same = IdempotentAnswer.objects.filter(user=user, key=key, route=route)
    same.filter(created_at__lt=now - LIFE).delete()
    same.filter(status=None, created_at__lt=now - IN_WORK).delete()
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(user=user, key=key, route=route, request_hash=digest)
    except IntegrityError:
        found = same.first()
    if found is None or (found.status is None and found.request_hash == digest):
        raise Conflict("in_work", "The first request with this Idempotency-Key is still being worked on. Ask again in a second.")
    if found.request_hash != digest:
        raise Invalid("This Idempotency-Key was used for another request. Take a new key for each new request.")
    return found


def _repeat(mark: IdempotentAnswer) -> HttpResponse:
    """The first answer again. Raises Conflict when it showed a secret, since that is nowhere to be read."""
    if mark.body is None:
        raise Conflict("shown_once", "This request was done already, and its answer held a secret that is shown once.")
    response = HttpResponse(mark.body, status=mark.status, content_type=mark.content_type)
    response["Idempotency-Replayed"] = "true"
    return response


def forget_old_answers() -> int:
    """Deletes answers older than a day; returns how many."""
    return IdempotentAnswer.objects.filter(created_at__lt=Now() - LIFE).delete()[0]
