"""Many annotators at once, who double-click and lose answers: nothing lost, nothing doubled, nothing beyond what is wanted."""

import contextlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from runs.annotation.durability import durable_commit
from runs.annotation.models import Campaign, Judgment, Task
from tests.annotation.bench import NAMES, Bench, bench_at

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
OVERLAP, PAIRS = 2, 12


@pytest.fixture
def crowd(transactional_db: None, tmp_path: Path, settings: Any) -> Bench:
    return bench_at(tmp_path, settings)


def work(bench: Bench, campaign: dict[str, Any], who: str, seed: int) -> int:
    """How many judgments were acknowledged. One in five answers is lost and asked for again, one in ten is sent twice."""
    rng, kept = random.Random(seed), 0
    try:
        while tasks := bench.tasks(campaign, who, 3):
            for task in tasks:
                body = {"task_id": task["id"], "client_id": f"{who}-{task['id']}", "verdict": rng.choice(["a", "b", "tie"])}
                times = 1 + (rng.random() < 0.2) + (rng.random() < 0.1)
                path = f"/campaigns/{campaign['id']}/judgments"
                codes = [bench.call("POST", path, body, who=who).status_code for _ in range(times)]
                assert codes[0] in (201, 409), codes
                assert set(codes[1:]) <= ({200} if codes[0] == 201 else {409})
                kept += codes[0] == 201
    finally:
        connections.close_all()
    return kept


def test_a_crowd_loses_and_doubles_nothing(crowd):
    campaign = crowd.campaign(PAIRS, overlap=OVERLAP)
    for who in NAMES:
        crowd.headers_of(who)
    with ThreadPoolExecutor(len(NAMES)) as pool:
        kept = list(pool.map(lambda numbered: work(crowd, campaign, numbered[1], numbered[0]), enumerate(NAMES)))
    assert sum(kept) == Judgment.objects.count() == PAIRS * OVERLAP
    assert {task.judged for task in Task.objects.all()} == {OVERLAP}
    assert all(len(set(task.judgments.values_list("annotator"))) == OVERLAP for task in Task.objects.all())
    done = Campaign.objects.get()
    assert (done.state, done.done, done.judgments) == ("finished", PAIRS, PAIRS * OVERLAP)


def test_two_undos_at_once_take_one_judgment_back_once(crowd, monkeypatch):
    campaign = crowd.campaign(1, overlap=3)
    for who in ("bob", "cyd", "ann"):
        [task] = crowd.tasks(campaign, who)
        if who != "cyd":
            crowd.judge(campaign, who, task)
    lock, both = Task.objects.select_for_update, threading.Barrier(2)

    def together(*args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):  # where one writes at a time the other comes later
            both.wait(1)
        return lock(*args, **kwargs)

    def undo(_: int) -> int:
        try:
            named = {"client_id": f"ann-{task['id']}"}
            return int(crowd.call("POST", f"/campaigns/{campaign['id']}/undo", named, who="ann").status_code)
        finally:
            connections.close_all()

    monkeypatch.setattr(Task.objects, "select_for_update", together)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(undo, range(2))) == [200, 200]
    assert Task.objects.get().judged == Campaign.objects.get().judgments == Judgment.objects.filter(undone_at=None).count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Other databases wait for the disk at every commit.")
def test_a_judgment_waits_for_the_disk_and_other_writes_do_not():
    def level() -> int:
        with connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA synchronous").fetchone()[0])

    before = level()
    with durable_commit():
        assert level() == 2
    assert (before, level()) == (1, 1)
