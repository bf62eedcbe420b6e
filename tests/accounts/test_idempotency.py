"""Idempotency-Key: the first answer again, and never a second object."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from runs.accounts import idempotency, services
from runs.accounts.access import Scope
from runs.accounts.models import IdempotentAnswer, Project


def test_a_repeat_gets_the_first_answer(by_session, owner):
    caller = by_session(owner)
    first = caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
    again = caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Project.objects.count() == 1


def test_the_same_key_for_another_body_is_refused(by_session, owner):
    caller = by_session(owner)
    caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
    other = caller("post", "/projects", {"name": "Other"}, Idempotency_Key="k")
    assert other.status_code == 422
    assert other["Content-Type"] == "application/problem+json"
    assert Project.objects.count() == 1


def test_keys_of_two_people_do_not_meet(by_session, owner, stranger):
    for user in (owner, stranger):
        assert by_session(user)("post", "/projects", {"name": "Mine"}, Idempotency_Key="k").status_code == 201
    assert Project.objects.count() == 2


def test_a_refused_request_may_be_sent_again_with_its_key(by_session, owner):
    caller = by_session(owner)
    assert caller("post", "/projects", {"name": ""}, Idempotency_Key="k").status_code == 422
    assert caller("post", "/projects", {"name": "Good"}, Idempotency_Key="k").status_code == 201


def test_a_request_still_in_work_is_told_so(by_session, owner, monkeypatch):
    caller = by_session(owner)
    seen: list[Any] = []
    make = services.create_project

    def ask_meanwhile(actor, **words):
        if not seen:
            seen.append(caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k"))
        return make(actor, **words)

    monkeypatch.setattr(services, "create_project", ask_meanwhile)
    assert caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k").status_code == 201
    assert seen[0].status_code == 409
    assert seen[0].json()["code"] == "in_work"


def test_a_mark_left_by_a_crash_is_taken_over_after_a_minute(by_session, owner):
    caller = by_session(owner)
    caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
    IdempotentAnswer.objects.update(status=None, created_at=timezone.now() - timedelta(seconds=61))
    assert caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k").status_code == 201


def test_a_failure_leaves_neither_object_nor_answer(by_session, owner, monkeypatch):
    caller = by_session(owner)
    caller.client.raise_request_exception = False

    def break_after_writing(actor, **_):
        Project.objects.create(name="Half")
        raise RuntimeError("planted")

    monkeypatch.setattr(services, "create_project", break_after_writing)
    answer = caller("post", "/projects", {"name": "Half"}, Idempotency_Key="k")
    assert answer.status_code == 500
    assert "planted" not in answer.content.decode()
    assert not Project.objects.exists()
    assert not IdempotentAnswer.objects.exists()


def test_old_answers_are_forgotten(by_session, owner):
    by_session(owner)("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.forget_old_answers() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_one_key_make_one_object(by_token, owner):
    caller = by_token(owner)
    answers = []

    def ask():
        response = Client().post(
            "/api/v1/projects",
            {"name": "Once"},
            content_type="application/json",
            headers=caller.headers | {"Idempotency-Key": "k"},
        )
        answers.append((response.status_code, response.json().get("id")))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Project.objects.count() == 1
    made = {identifier for status, identifier in answers if status == 201}
    assert made == {Project.objects.get().id}
    assert {status for status, _ in answers} <= {201, 409}


def test_an_answer_is_repeated_only_to_who_could_have_got_it(by_session, by_token, owner, project):
    """A key is no credential: neither a token of one project nor one that may only read gets the stored answer."""
    assert by_session(owner)("post", "/projects", {"name": "Once"}, Idempotency_Key="k").status_code == 201
    for caller in (by_token(owner, Scope.READ), by_token(owner, project=project)):
        answer = caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k")
        assert answer.status_code == 422
        assert "Once" not in answer.content.decode()


def test_a_repeat_by_a_browser_needs_its_csrf_token_too(by_session, owner):
    caller = by_session(owner)
    assert caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k").status_code == 201
    caller.headers = {}
    assert caller("post", "/projects", {"name": "Once"}, Idempotency_Key="k").status_code == 403
