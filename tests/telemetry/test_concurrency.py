"""Many write at once: cursors stay without gaps, and what readers see is always a whole beginning of the log."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import orjson
import pytest
from django.db import connection

from runs.launches.models import Run
from runs.launches.services.transition import announce
from runs.leases import Fenced
from runs.telemetry import selectors, series
from runs.telemetry.models import EventChunk
from runs.telemetry.services import ingest
from tests.telemetry.events import metric
from workers.contract.events import LogEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def in_threads(jobs: list[Callable[[], object]]) -> list[object]:
    def closing(job: Callable[[], object]) -> object:
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        return [future.result() for future in [pool.submit(closing, job) for job in jobs]]


def cursors(run: Run) -> list[int]:
    return [orjson.loads(item)["cursor"] for item in selectors.events_after(run.id, 0, limit=100_000).items]


def test_cursors_have_no_gaps_while_engine_and_server_write_at_once(run: Run) -> None:
    def engine() -> None:
        for seq in range(1, 61, 2):
            ingest(run.id, 1, [metric(seq), metric(seq + 1)])

    def server() -> None:
        for number in range(20):
            announce(Run.objects.get(id=run.id), LogEvent(message=f"change {number}"))

    in_threads([engine, server, server, server])
    assert cursors(run) == list(range(1, 121))
    assert Run.objects.get(id=run.id).cursor == 120


def test_a_delivery_made_twice_at_the_same_time_is_stored_once(run: Run) -> None:
    events = [metric(seq) for seq in range(1, 41)]

    def shipper() -> None:
        for start in range(0, 40, 4):
            ingest(run.id, 1, events[start : start + 4])

    in_threads([shipper, shipper, shipper])
    assert cursors(run) == list(range(1, 41))
    assert series.curves(run.id, ["reward"])["reward"].steps.tolist() == list(range(1, 41))


def test_an_old_executor_that_wakes_up_writes_nothing_more(run: Run) -> None:
    taken_over = Flag()

    def old() -> int:
        for seq in range(1, 10_000):
            try:
                ingest(run.id, 1, [metric(seq)])
            except Fenced:
                return seq
            if seq == 5:
                taken_over.set()
        raise AssertionError("nobody stopped the old executor")

    def new() -> None:
        assert taken_over.wait(10)
        Run.objects.filter(id=run.id).update(attempt=2)
        ingest(run.id, 2, [metric(1, step=6)])

    in_threads([old, new])
    attempts = list(EventChunk.objects.filter(run=run).order_by("first_cursor").values_list("attempt", flat=True))
    assert attempts == sorted(attempts)
    assert attempts[-1] == 2


def test_a_reader_never_sees_a_number_before_the_ones_below_it(run: Run) -> None:
    done = Flag()

    def writer() -> None:
        for seq in range(1, 81):
            ingest(run.id, 1, [metric(seq)])
        done.set()

    def reader() -> list[int]:
        seen: list[int] = []
        while not (done.wait(0.02) and len(seen) == 80):
            seen += [orjson.loads(item)["cursor"] for item in selectors.events_after(run.id, len(seen), limit=1000).items]
        return seen

    _, *readings = in_threads([writer, reader, reader])
    assert all(reading == list(range(1, 81)) for reading in readings)


def test_a_snapshot_and_the_events_after_it_give_the_later_snapshot(run: Run) -> None:
    done = Flag()

    def writer() -> None:
        for seq in range(1, 101):
            ingest(run.id, 1, [metric(seq, reward=float(seq % 7))])
        done.set()

    def reader() -> None:
        cursor, _ = selectors.head(run.id)
        curve = series.curves(run.id, ["reward"]).get("reward")
        points = dict(zip(curve.steps.tolist(), curve.values.tolist(), strict=True)) if curve else {}
        while cursor < 100:
            done.wait(0.02)
            read = selectors.events_after(run.id, cursor, limit=10)
            for item in map(orjson.loads, read.items):
                points[item["event"]["step"]] = item["event"]["values"]["reward"]
            cursor = read.last
        assert points == {step: float(step % 7) for step in range(1, 101)}

    in_threads([writer, reader, reader])
