"""A job's row: claimed by one, written by its attempt alone, ended once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from runs.jobs import services
from runs.jobs.models import Job
from runs.leases import Fenced
from runs.problems import Conflict, Problem
from tests.launches.builders import make_actor, make_project

PAST = timezone.now() - timedelta(hours=1)


@pytest.fixture
def job(db: None) -> Job:
    return services.enqueue(kind="preflight", project=make_project(make_actor()), payload={}, created_by=None)


def test_a_job_is_claimed_once(job: Job) -> None:
    assert services.claim(job.id, owner="a") == 1
    assert services.claim(job.id, owner="b") is None


def test_many_threads_claim_a_job_once(transactional_db: None) -> None:
    job = services.enqueue(kind="preflight", project=make_project(make_actor()), payload={}, created_by=None)
    gate = threading.Barrier(12)

    def claim(number: int) -> int | None:
        gate.wait()
        try:
            return services.claim(job.id, owner=str(number))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        assert [won for won in pool.map(claim, range(12)) if won] == [1]


def test_a_stale_attempt_writes_nothing(job: Job) -> None:
    services.claim(job.id, owner="a")
    Job.objects.update(lease_until=PAST)
    services.claim(job.id, owner="b")
    with pytest.raises(Fenced):
        services.report(job.id, 1, progress=0.5, doing="x", eta_seconds=None)
    with pytest.raises(Fenced):
        services.succeed(job.id, 1, {"made": "twice"})
    assert not services.renew(job.id, 1)
    assert Job.objects.get().result is None


def test_a_job_whose_workers_are_lost_again_and_again_fails_by_name(job: Job) -> None:
    for attempt in range(1, services.MAX_ATTEMPTS + 1):
        assert services.claim(job.id, owner="a") == attempt
        Job.objects.update(lease_until=PAST)
    assert services.claim(job.id, owner="a") is None
    job.refresh_from_db()
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["code"] == "worker_lost"


def test_a_queued_job_is_cancelled_at_once_and_an_ended_one_not_at_all(job: Job) -> None:
    assert services.request_cancel(job).state == "cancelled"
    with pytest.raises(Conflict):
        services.request_cancel(job)


def test_a_cancelled_job_whose_worker_is_lost_ends_cancelled(job: Job) -> None:
    services.claim(job.id, owner="a")
    services.request_cancel(job)
    Job.objects.update(lease_until=PAST)
    assert services.claim(job.id, owner="b") is None
    assert services.settle_lost() == 1
    assert Job.objects.get().state == "cancelled"


def test_a_chore_is_one_owner_s_turn(db: None) -> None:
    span = timedelta(minutes=1)
    assert services.take_turn("sweep", owner="a", span=span)
    assert services.take_turn("sweep", owner="a", span=span)
    assert not services.take_turn("sweep", owner="b", span=span)
    assert services.take_turn("mow", owner="b", span=span)


def test_one_person_does_not_fill_the_queue(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_WAITING_EACH", 2)
    actor, other = make_actor(), make_actor("other@example.org")
    project = make_project(actor)
    mine = [services.enqueue(kind="preflight", project=project, payload={}, created_by=actor.user) for _ in range(2)]
    with pytest.raises(Problem) as refused:
        services.enqueue(kind="preflight", project=project, payload={}, created_by=actor.user)
    assert refused.value.status == 429
    services.enqueue(kind="preflight", project=project, payload={}, created_by=other.user)
    services.request_cancel(mine[0])
    assert services.enqueue(kind="preflight", project=project, payload={}, created_by=actor.user)
