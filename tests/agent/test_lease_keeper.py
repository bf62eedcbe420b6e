"""The keeper renews in time, and gives up before the lease can pass to another."""

import threading
import time

from django.db import OperationalError

from tests.agent.watching import until
from workers.agent.lease_keeper import LeaseKeeper

LEASE = 0.6


class Site:
    """A lease that answers as told, and what came of it."""

    def __init__(self, answer: bool | Exception) -> None:
        self.answer = answer
        self.asked: list[float] = []
        self.lost: list[str] = []
        self.lost_at = 0.0
        self.began = time.monotonic()
        self.keeper = LeaseKeeper(renew=self.renew, lease_seconds=LEASE, on_lost=self.on_lost)
        self.keeper.start()

    def renew(self) -> bool:
        self.asked.append(time.monotonic())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def on_lost(self, reason: str) -> None:
        self.lost_at = time.monotonic() - self.began
        self.lost.append(reason)


def test_it_renews_every_third_of_the_lease() -> None:
    site = Site(answer=True)
    until(lambda: len(site.asked) == 4)
    site.keeper.stop()
    gaps = [later - earlier for earlier, later in zip(site.asked, site.asked[1:], strict=False)]
    assert all(gap < LEASE * 2 / 3 for gap in gaps)
    assert site.lost == []


def test_a_refusal_ends_it_at_once() -> None:
    site = Site(answer=False)
    until(lambda: site.lost)
    assert len(site.asked) == 1


def test_a_database_that_stays_away_ends_it_before_the_lease_is_over() -> None:
    site = Site(answer=OperationalError("away"))
    until(lambda: site.lost)
    assert len(site.asked) > 1
    assert site.lost_at < LEASE


def test_a_database_that_comes_back_in_time_is_no_loss() -> None:
    site = Site(answer=OperationalError("away"))
    until(lambda: site.asked)
    site.answer = True
    until(lambda: len(site.asked) > 4)
    site.keeper.stop()
    assert site.lost == []


def test_it_stops_without_a_word() -> None:
    site = Site(answer=True)
    site.keeper.stop()
    assert site.lost == []
    assert "lease-keeper" not in {thread.name for thread in threading.enumerate()}
