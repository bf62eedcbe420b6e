from typing import Any

import pytest
from django.db import transaction

from runs.launches.models import Run
from runs.launches.services.transition import announce
from runs.leases import Fenced
from runs.telemetry import selectors
from runs.telemetry.models import EventChunk, LogLine, MetricChunk
from runs.telemetry.services import ingest
from tests.telemetry.events import line, metric, rollout, said
from workers.contract.events import EVENT, LogEvent

pytestmark = pytest.mark.django_db


def kept(run: Run, after: int = 0) -> list[dict[str, Any]]:
    import orjson

    return [orjson.loads(item) for item in selectors.events_after(run.id, after, limit=100_000).items]


def test_events_get_the_runs_own_numbers_in_order(run: Run) -> None:
    assert ingest(run.id, 1, [line(metric(1)), line(said(2))]) == 2
    assert ingest(run.id, 1, [line(metric(3))]) == 3
    assert [(item["cursor"], item["attempt"], item["event"]["type"]) for item in kept(run)] == [
        (1, 1, "metrics"), (2, 1, "log"), (3, 1, "metrics"),
    ]


def test_a_second_delivery_stores_nothing(run: Run) -> None:
    lines = [line(metric(1)), line(said(2)), line(rollout(3, step=1))]
    ingest(run.id, 1, lines)
    assert ingest(run.id, 1, lines) == 3
    assert len(kept(run)) == 3
    assert LogLine.objects.count() == 1
    assert MetricChunk.objects.get().count == 1


def test_a_delivery_that_overlaps_the_last_keeps_only_what_is_new(run: Run) -> None:
    ingest(run.id, 1, [line(metric(1)), line(metric(2))])
    ingest(run.id, 1, [line(metric(2)), line(metric(3))])
    assert [item["event"]["step"] for item in kept(run)] == [1, 2, 3]


def test_a_stale_attempt_is_refused_and_leaves_nothing(run: Run) -> None:
    Run.objects.filter(id=run.id).update(attempt=2)
    with pytest.raises(Fenced):
        ingest(run.id, 1, [line(metric(1))])
    assert not EventChunk.objects.exists()
    assert Run.objects.get(id=run.id).cursor == 0


def test_a_run_that_is_gone_refuses_its_executor(run: Run) -> None:
    run.delete()
    with pytest.raises(Fenced):
        ingest(run.id or "run_gone", 1, [line(metric(1))])


@pytest.mark.parametrize("bad", [
    b"not json at all", b'{"type":"metrics","step":1,"values":{"reward":1},"seq":2,"surprise":1}',
    b'{"type":"teleport","seq":2}', b'{"seq":2', b"\xff\xfe\x00",
], ids=["words", "unknown key", "unknown type", "cut off", "no text"])
def test_a_line_that_cannot_be_read_becomes_a_log_line_once(run: Run, bad: bytes) -> None:
    lines = [line(metric(1)), bad, line(metric(3))]
    ingest(run.id, 1, lines)
    ingest(run.id, 1, lines)
    assert [item["event"]["type"] for item in kept(run)] == ["metrics", "log", "metrics"]
    assert LogLine.objects.get().message.startswith("An event could not be read and was left out")


def test_a_line_that_is_too_large_is_named_and_shipping_goes_on(run: Run) -> None:
    huge = b'{"seq":1,"type":"log","message":"' + b"x" * (4 * 2**20) + b'"}'
    assert ingest(run.id, 1, [huge]) == 1
    assert "limit is 4 MiB" in LogLine.objects.get().message
    assert ingest(run.id, 1, [huge, line(metric(2))]) == 2


def test_a_shipper_learns_where_to_go_on(run: Run) -> None:
    assert selectors.last_seq(run.id, 1) == 0
    ingest(run.id, 1, [line(metric(1)), line(metric(2))])
    assert selectors.last_seq(run.id, 1) == 2


def test_a_new_attempt_counts_its_own_lines(run: Run) -> None:
    ingest(run.id, 1, [line(metric(1))])
    Run.objects.filter(id=run.id).update(attempt=2)
    assert ingest(run.id, 2, [line(metric(1, step=2))]) == 2


def test_what_the_engine_said_reaches_the_runs_row(run: Run) -> None:
    ingest(run.id, 1, [EVENT.validate_python({"type": "progress", "seq": 1, "step": 7, "total": 20, "tokens": 70}), metric(2, 7)])
    run.refresh_from_db()
    assert (run.step, run.total, run.metrics["reward"]) == (7, 20, 7.0)


def test_what_the_server_says_joins_the_log_in_the_same_transaction(run: Run) -> None:
    ingest(run.id, 1, [line(metric(1))])
    with transaction.atomic():
        announce(run, LogEvent(message="undone"))
        transaction.set_rollback(True)
    announce(run, LogEvent(message="Learning rate changed."))
    assert [item["event"].get("message") for item in kept(run)] == [None, "Learning rate changed."]
    assert kept(run)[-1]["cursor"] == 2
    assert kept(run)[-1]["event"]["time"] > 0


def test_a_batch_whose_row_cannot_be_written_leaves_no_trace(run: Run) -> None:
    with transaction.atomic():
        ingest(run.id, 1, [line(metric(1)), line(rollout(2, step=1))])
        transaction.set_rollback(True)
    assert kept(run) == []
    assert ingest(run.id, 1, [line(metric(1)), line(rollout(2, step=1))]) == 2


def test_numbers_that_are_not_finite_are_kept_as_null(run: Run) -> None:
    ingest(run.id, 1, [b'{"type":"metrics","seq":1,"step":1,"values":{"loss":NaN,"kl":null,"reward":1.5}}'])
    assert kept(run)[0]["event"]["values"] == {"loss": None, "kl": None, "reward": 1.5}
