"""Signing in and out, CSRF, one-time links, passwords."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from runs.accounts import secrets
from runs.accounts.models import SignInLink
from runs.accounts.services import deactivate_user
from tests.accounts.conftest import PASSWORD, Caller


@pytest.fixture
def visitor(db):
    """A browser nobody has signed in with; it has asked for the session once, as the page does."""
    client = Client(enforce_csrf_checks=True)
    return Caller(client, {"X-CSRFToken": client.get("/api/v1/session").json()["csrf_token"]})


def test_a_stranger_gets_no_user_and_a_csrf_token(client, db):
    answer = client.get("/api/v1/session").json()
    assert answer["user"] is None
    assert answer["projects"] == []
    assert len(answer["csrf_token"]) == 64


def test_address_and_password_open_a_session(visitor, project):
    answer = visitor("post", "/session", {"email": "Owner@Example.org", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "owner@example.org"
    assert answer.json()["projects"] == [{"id": project.id, "name": "Sums", "role": "owner", "is_demo": False}]
    assert visitor("get", "/projects").status_code == 200


def test_a_wrong_password_and_an_unknown_address_answer_alike(visitor, owner):
    wrong = visitor("post", "/session", {"email": owner.email, "password": "wrong"})
    unknown = visitor("post", "/session", {"email": "nobody@example.org", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_signing_in_needs_the_csrf_token(owner):
    answer = Client(enforce_csrf_checks=True).post(
        "/api/v1/session", {"email": owner.email, "password": PASSWORD}, content_type="application/json"
    )
    assert answer.status_code == 403


def test_a_write_of_a_session_needs_the_csrf_token(by_session, owner):
    caller = by_session(owner)
    assert caller("post", "/projects", {"name": "Mine"}).status_code == 201
    assert Caller(caller.client)("post", "/projects", {"name": "Forged"}).status_code == 403


def test_a_write_from_another_origin_is_refused(by_session, owner):
    answer = by_session(owner)("post", "/projects", {"name": "Forged"}, Origin="https://evil.example")
    assert answer.status_code == 403


def test_signing_out_ends_the_session(by_session, owner):
    caller = by_session(owner)
    assert caller("delete", "/session").status_code == 204
    assert caller("get", "/projects").status_code == 401


def test_a_link_signs_in_once(visitor, owner):
    secret = secrets.create_link(owner)
    assert visitor("post", "/session/link", {"token": secret}).json()["user"]["id"] == owner.id
    again = Client(enforce_csrf_checks=True)
    token = again.get("/api/v1/session").json()["csrf_token"]
    assert Caller(again, {"X-CSRFToken": token})("post", "/session/link", {"token": secret}).status_code == 401


def test_an_expired_link_opens_nothing(visitor, owner):
    secret = secrets.create_link(owner)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert visitor("post", "/session/link", {"token": secret}).json()["code"] == "link_spent"


def test_a_link_is_kept_as_its_hash_only(owner):
    secret = secrets.create_link(owner)
    assert SignInLink.objects.get().secret_hash == secrets.hashed(secret)


def test_guessing_passwords_is_slowed_down_for_the_person(visitor, owner):
    answers = [visitor("post", "/session", {"email": owner.email, "password": "wrong"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 300
    right = visitor("post", "/session", {"email": owner.email, "password": PASSWORD})
    assert right.status_code == 429


def test_a_new_password_ends_other_sessions_and_keeps_this_one(by_session, owner):
    this, other = by_session(owner), by_session(owner)
    changed = this("post", "/me/password", {"old": PASSWORD, "new": "quite another pass phrase"})
    assert changed.status_code == 204
    assert this("get", "/projects").status_code == 200
    assert other("get", "/projects").status_code == 401


def test_a_wrong_old_password_names_its_field(by_session, owner):
    answer = by_session(owner)("post", "/me/password", {"old": "wrong", "new": "quite another pass phrase"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "old"


@pytest.mark.parametrize("weak", ["short", "password123", "owner@example.org"])
def test_a_weak_password_is_refused_with_the_rule_it_breaks(by_session, owner, weak):
    answer = by_session(owner)("post", "/me/password", {"old": PASSWORD, "new": weak})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "new"


def test_somebody_locked_out_loses_session_and_tokens_at_once(by_session, by_token, owner):
    callers = [by_session(owner), by_token(owner)]
    deactivate_user(owner)
    assert [caller("get", "/projects").status_code for caller in callers] == [401, 401]


def test_a_new_link_takes_the_place_of_the_last(visitor, owner):
    """Each start of a fresh server prints one; only the newest may lie about in a terminal."""
    old, new = secrets.create_link(owner), secrets.create_link(owner)
    assert visitor("post", "/session/link", {"token": old}).status_code == 401
    assert visitor("post", "/session/link", {"token": new}).status_code == 200
