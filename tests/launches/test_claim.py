"""One live executor per run: the claim, its lease and its fence."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from runs.launches import services
from runs.launches.models import Attempt, Run, RunHistory
from runs.launches.states import State
from runs.telemetry.services import ingest
from tests.launches.builders import make_run, make_worker
from workers.contract.events import MetricsEvent

PAST = timezone.now() - timedelta(hours=1)


def test_a_queued_run_is_claimed_and_starts(db: None) -> None:
    run = make_run()
    assert services.claim(run.id, owner="wrk_a") == 1
    run.refresh_from_db()
    assert (run.state, run.owner, run.attempt, run.heartbeat_at) == ("starting", "wrk_a", 1, None)
    assert run.lease_until is not None
    assert list(RunHistory.objects.values_list("from_state", "to_state")) == [("queued", "starting")]


def test_a_held_run_is_not_claimed_again(db: None) -> None:
    run = make_run()
    services.claim(run.id, owner="wrk_a")
    assert services.claim(run.id, owner="wrk_b") is None


@pytest.mark.parametrize("state", ["draft", "succeeded", "failed", "cancelled"])
def test_a_run_that_is_not_ready_is_not_claimed(db: None, state: str) -> None:
    assert services.claim(make_run(state=state).id, owner="wrk_a") is None


@pytest.mark.parametrize("desired", ["pause", "stop", "cancel"])
def test_a_run_that_people_want_otherwise_is_not_claimed(db: None, desired: str) -> None:
    assert services.claim(make_run(desired=desired).id, owner="wrk_a") is None


def test_a_run_held_back_is_claimed_when_its_time_has_come(db: None) -> None:
    run = make_run(not_before=timezone.now() + timedelta(hours=1))
    assert services.claim(run.id, owner="wrk_a") is None
    Run.objects.update(not_before=PAST)
    assert services.claim(run.id, owner="wrk_a") == 1


def test_an_expired_lease_passes_on_even_without_any_heartbeat(db: None) -> None:
    run = make_run()
    services.claim(run.id, owner="wrk_a")
    Run.objects.update(lease_until=PAST)
    assert services.claim(run.id, owner="wrk_b") == 2
    assert Attempt.objects.get(number=1).cause == "worker_lost"


def test_many_threads_claim_a_run_once(transactional_db: None) -> None:
    run = make_run()
    gate = threading.Barrier(16)

    def claim(number: int) -> int | None:
        gate.wait()
        try:
            return services.claim(run.id, owner=f"wrk_{number}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        won = [attempt for attempt in pool.map(claim, range(16)) if attempt]
    assert won == [1]
    assert Attempt.objects.count() == 1


def test_many_threads_fill_one_place_once(transactional_db: None) -> None:
    worker = make_worker(slots=1)
    for _ in range(4):
        make_run()
    gate = threading.Barrier(8)

    def fill(_: int) -> int:
        gate.wait()
        try:
            return len(services.start_ready(worker.id))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(fill, range(8))) == 1


def test_a_fenced_writer_gets_nothing_accepted(db: None) -> None:
    run = make_run()
    services.claim(run.id, owner="wrk_a")
    Run.objects.update(lease_until=PAST)
    services.claim(run.id, owner="wrk_b")
    before = Run.objects.get().cursor
    with pytest.raises(services.Fenced):
        ingest(run.id, 1, [MetricsEvent(seq=1, step=1, values={"reward": 1.0})])
    with pytest.raises(services.Fenced):
        services.end_attempt(run.id, 1, by="wrk_a", exit_="exit 0")
    assert not services.renew(run.id, 1)
    assert Run.objects.get().cursor == before


def test_the_holder_renews(db: None) -> None:
    run = make_run()
    services.claim(run.id, owner="wrk_a")
    assert services.renew(run.id, 1)
    assert Run.objects.get().heartbeat_at is not None


def test_the_queue_goes_by_priority_then_age(db: None) -> None:
    worker = make_worker(slots=2)
    late = make_run(queued_at=timezone.now())
    early = make_run(queued_at=PAST)
    urgent = make_run(priority=5)
    assert [run_id for run_id, _ in services.start_ready(worker.id)] == [urgent.id, early.id]
    late.refresh_from_db()
    assert late.waiting_for == "a free place on ant, which is busy"


def test_a_run_takes_free_devices_and_gives_them_back(db: None) -> None:
    worker = make_worker(gpus=[{"index": 0}, {"index": 1}, {"index": 2}])
    first, second = make_run(gpus=2, queued_at=PAST), make_run(gpus=2)
    assert services.start_ready(worker.id) == [(first.id, 1)]
    assert Run.objects.get(id=first.id).devices == [0, 1]
    services.transition(first.id, State.SUCCEEDED, by="engine")
    services.end_attempt(first.id, 1, by="wrk", exit_="exit 0")
    assert services.start_ready(worker.id) == [(second.id, 1)]


def test_nobody_overtakes_a_large_run_on_its_devices(db: None) -> None:
    worker = make_worker(gpus=[{"index": 0}, {"index": 1}])
    running = make_run(gpus=1, queued_at=PAST)
    services.start_ready(worker.id)
    make_run(gpus=2, queued_at=PAST + timedelta(minutes=1))
    make_run(gpus=1)
    assert services.start_ready(worker.id) == []
    assert Run.objects.get(id=running.id).state == "starting"


def test_a_leaving_worker_takes_nothing(db: None) -> None:
    make_run()
    assert services.start_ready(make_worker(leaving=True).id) == []


def test_a_lost_run_takes_its_place_on_the_same_worker_again(db: None) -> None:
    worker = make_worker(slots=1)
    run = make_run()
    services.start_ready(worker.id)
    Run.objects.update(lease_until=PAST)
    assert services.start_ready(worker.id) == [(run.id, 2)]
