"""API tokens: hashed, shown once, scoped, expiring, revocable."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from runs.accounts.access import Actor, Scope
from runs.accounts.models import ApiToken, IdempotentAnswer
from runs.accounts.secrets import create_token, hashed, token_actor
from runs.accounts.services import create_project
from runs.problems import Invalid
from tests.accounts.conftest import PASSWORD


def test_the_secret_is_shown_once_and_kept_as_its_hash(by_session, owner):
    caller = by_session(owner)
    made = caller("post", "/tokens", {"name": "script"}).json()
    kept = ApiToken.objects.get(id=made["id"])
    assert kept.secret_hash == hashed(made["secret"])
    assert made["secret"] not in str(kept.__dict__)
    assert caller("get", "/tokens").json()["items"][0]["secret"] is None
    assert made["secret"].startswith(made["prefix"])


def test_a_token_opens_what_its_person_may_see(by_token, owner, project):
    assert by_token(owner)("get", f"/projects/{project.id}").json()["role"] == "owner"


def test_a_reading_token_cannot_write(by_token, owner):
    caller = by_token(owner, Scope.READ)
    assert caller("get", "/projects").status_code == 200
    assert caller("post", "/projects", {"name": "No"}).status_code == 403


def test_a_writing_token_cannot_make_tokens_or_members(by_token, owner, project):
    caller = by_token(owner, Scope.WRITE)
    assert caller("post", "/projects", {"name": "Yes"}).status_code == 201
    assert caller("post", "/tokens", {"name": "more"}).status_code == 403
    assert caller("post", f"/projects/{project.id}/members", {"email": "a@example.org", "role": "owner"}).status_code == 403
    assert caller("post", "/me/password", {"new": "quite another pass phrase"}).status_code == 403


def test_a_projects_token_sees_that_project_alone(by_token, owner, project):
    other = create_project(Actor(owner), name="Other")
    caller = by_token(owner, project=project)
    assert [found["id"] for found in caller("get", "/projects").json()["items"]] == [project.id]
    assert caller("get", f"/projects/{other.id}").status_code == 404
    assert caller("post", "/projects", {"name": "More"}).status_code == 403
    assert caller("post", "/tokens", {"name": "wider"}).status_code == 403


def test_a_token_stops_at_its_end(owner):
    _, secret = create_token(Actor(owner), name="short", expires_at=timezone.now() + timedelta(hours=1))
    assert token_actor(secret) is not None
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert token_actor(secret) is None


def test_an_end_that_has_passed_is_refused(by_session, owner):
    body = {"name": "late", "expires_at": "2020-01-01T00:00:00Z"}
    answer = by_session(owner)("post", "/tokens", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "expires_at"


def test_a_revoked_token_stops_at_once(by_session, by_token, owner):
    caller = by_token(owner)
    token = ApiToken.objects.get()
    assert by_session(owner)("delete", f"/tokens/{token.id}").status_code == 204
    assert caller("get", "/projects").json()["code"] == "token_refused"


def test_nobody_revokes_the_token_of_another(by_session, by_token, owner, stranger):
    by_token(owner)
    assert by_session(stranger)("delete", f"/tokens/{ApiToken.objects.get().id}").status_code == 404


def test_a_token_in_the_address_opens_nothing(owner):
    _, secret = create_token(Actor(owner), name="leaky")
    assert Client().get(f"/api/v1/projects?token={secret}").status_code == 401


def test_a_bad_token_does_not_fall_back_to_the_session(by_session, owner):
    answer = by_session(owner)("get", "/projects", Authorization="Bearer lds_wrong")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_guessing_tokens_is_slowed_down(client, db):
    guess = {"Authorization": "Bearer lds_wrong"}
    statuses = [client.get("/api/v1/projects", headers=guess).status_code for _ in range(61)]
    assert statuses == [401] * 60 + [429]


def test_the_last_use_is_noted(by_token, owner):
    by_token(owner)("get", "/projects")
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("scopes", [[], ["root"], ["read", "root"]])
def test_unknown_or_missing_scopes_are_refused(by_session, owner, scopes):
    assert by_session(owner)("post", "/tokens", {"name": "x", "scopes": scopes}).status_code == 422


def test_a_repeated_request_for_a_token_does_not_store_its_secret(by_session, owner):
    caller = by_session(owner)
    made = caller("post", "/tokens", {"name": "once"}, Idempotency_Key="k1").json()
    again = caller("post", "/tokens", {"name": "once"}, Idempotency_Key="k1")
    assert again.status_code == 409
    assert ApiToken.objects.count() == 1
    assert made["secret"] not in str(list(IdempotentAnswer.objects.values()))


def test_a_projects_token_does_not_reach_the_person(by_token, owner, project):
    """Whoever holds it could otherwise take the account over, and with it every other project."""
    caller = by_token(owner, project=project)
    body = {"old": PASSWORD, "new": "quite another pass phrase"}
    assert caller("post", "/me/password", body).status_code == 403
    assert caller("patch", "/me", {"name": "Taken over"}).status_code == 403
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_projects_token_neither_sees_nor_ends_tokens_beyond_it(by_token, owner, project):
    wide, _ = create_token(Actor(owner), name="wide")
    caller = by_token(owner, project=project)
    assert [token["project_id"] for token in caller("get", "/tokens").json()["items"]] == [project.id]
    assert caller("delete", f"/tokens/{wide.id}").status_code == 404
    wide.refresh_from_db()
    assert wide.revoked_at is None


def test_a_token_makes_none_that_outlives_it(owner):
    end = timezone.now() + timedelta(hours=1)
    short, _ = create_token(Actor(owner), name="short", scopes=list(Scope), expires_at=end)
    for later in (None, end + timedelta(seconds=1)):
        with pytest.raises(Invalid):
            create_token(Actor(owner, short), name="longer", expires_at=later)
    assert create_token(Actor(owner, short), name="as short", expires_at=end)


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-23:00", "2999-01-01T00:00:00Z"])
def test_an_end_beyond_all_calendars_is_refused(by_session, owner, end):
    answer = by_session(owner)("post", "/tokens", {"name": "eternal", "expires_at": end})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "expires_at"
