from typing import Any

import pytest
from django.test import Client

from runs.accounts.models import User
from runs.launches.models import Run
from runs.telemetry.services import ingest
from tests.telemetry.events import metric, rollout, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def told(run: Run) -> Run:
    """A run with a few events of each kind."""
    ingest(run.id, 1, [metric(1, reward=0.5, loss=None), said(2, "Hello."), rollout(3, step=1), metric(4, reward=0.75, loss=2.0)])
    run.refresh_from_db()
    return run


def read(client: Client, run: Run, path: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/runs/{run.id}/{path}")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_curves_are_listed_with_the_cursor_they_reach(member: Client, told: Run) -> None:
    answer = read(member, told, "metrics")
    assert (answer["cursor"], answer["epoch"]) == (4, told.epoch)
    assert {"name": "loss", "points": 2, "last": 2.0, "min": 2.0, "max": 2.0, "last_step": 4} in answer["names"]


def test_a_series_comes_as_columns_with_null_for_what_is_not_finite(member: Client, told: Run) -> None:
    answer = read(member, told, "series?names=loss,nothing")
    assert answer["series"] == {
        "loss": {"step": [1, 4], "time": [1001.0, 1004.0], "tokens": [10, 40], "value": [None, 2.0], "total": 2, "exact": True}
    }


def test_a_series_of_a_range_holds_that_range(member: Client, told: Run) -> None:
    assert read(member, told, "series?names=reward&from=2&to=9")["series"]["reward"]["step"] == [4]


def test_names_with_slashes_and_points_are_asked_for_as_they_are(member: Client, run: Run) -> None:
    ingest(run.id, 1, [metric(1, **{"rewards/correct/mean": 1.0, "system/gpu.0.util": 0.5})])
    found = read(member, run, "series?names=rewards%2Fcorrect%2Fmean,system/gpu.0.util")["series"]
    assert set(found) == {"rewards/correct/mean", "system/gpu.0.util"}


def test_polling_reads_the_list_the_socket_sends(member: Client, told: Run) -> None:
    first = read(member, told, "events?limit=3")
    assert [item["event"]["type"] for item in first["items"]] == ["metrics", "log", "rollout"]
    assert "tokens" not in first["items"][2]["event"]["answers"][0]
    last = read(member, told, f"events?after={first['next']}")
    assert ([item["cursor"] for item in last["items"]], last["next"], last["cursor"]) == ([4], None, 4)


def test_events_of_a_type_are_picked(member: Client, told: Run) -> None:
    answer = read(member, told, "events?types=rollout,log")
    assert ([item["cursor"] for item in answer["items"]], answer["next"]) == ([2, 3], None)


def test_logs_name_their_level(member: Client, told: Run) -> None:
    [line] = read(member, told, "logs")["items"]
    assert line == {"cursor": 2, "time": 1002.0, "level": "info", "message": "Hello.", "step": 1}


def test_rollouts_are_listed_and_opened(member: Client, told: Run) -> None:
    [listed] = read(member, told, "rollouts")["items"]
    assert (listed["prompt"], listed["reward"], listed["answers"][0].get("tokens")) == ("4 + 8 = ?", 0.5, None)
    assert read(member, told, f"rollouts/{listed['cursor']}")["answers"][0]["tokens"]["ids"] == [1, 2]


PATHS = ["metrics", "series?names=reward", "events", "logs", "rollouts", "rollouts/3"]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_finds_nothing(told: Run, stranger: User, path: str) -> None:
    client = Client()
    assert client.get(f"/api/v1/runs/{told.id}/{path}").status_code == 401
    client.force_login(stranger)
    assert client.get(f"/api/v1/runs/{told.id}/{path}").status_code == 404


@pytest.mark.parametrize("path", [
    "series?names=reward&points=5", "series", "events?limit=0", "events?after=-1", "logs?level=loud", "rollouts?sort=best",
    "rollouts?cursor=zzz", "rollouts?limit=1000", "series?names=" + ",".join(map(str, range(201))),
])
def test_what_cannot_be_answered_is_refused_by_its_field(member: Client, told: Run, path: str) -> None:
    answer = member.get(f"/api/v1/runs/{told.id}/{path}")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"]


@pytest.mark.parametrize("number", ["99", "9" * 30, "-1"])
def test_a_rollout_that_is_not_there_is_not_found(member: Client, told: Run, number: str) -> None:
    assert member.get(f"/api/v1/runs/{told.id}/rollouts/{number}").status_code in (404, 422)


@pytest.mark.parametrize("path", [
    f"events?after={'9' * 30}", f"series?names=reward&from={'9' * 30}", f"logs?after={'9' * 30}",
    f"rollouts?step_from={'9' * 30}",
    "series?names=%00", "rollouts?q=%00", "logs?q=%00", f"logs?before={2**63}",
])
def test_odd_numbers_and_characters_break_nothing(member: Client, told: Run, path: str) -> None:
    assert member.get(f"/api/v1/runs/{told.id}/{path}").status_code in (200, 422)
