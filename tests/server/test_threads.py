"""Threads of requests: kept, never shared by two, never lent while a broken-off request still works in them."""

import asyncio
import threading
import time
from typing import Any

from asgiref.sync import sync_to_async

from lodestar.threads import KeptThreads


class Site:
    """An application that works in its request's thread for as long as the scope says."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await sync_to_async(self._work)(scope["seconds"])

    def _work(self, seconds: float) -> None:
        self.threads.append(threading.get_ident())
        time.sleep(seconds)


async def _idle(kept: KeptThreads, count: int) -> None:
    while len(kept.idle) != count:
        await asyncio.sleep(0.001)


async def test_requests_one_after_another_share_a_thread() -> None:
    site = Site()
    kept = KeptThreads(site)
    for _ in range(3):
        await kept({"seconds": 0}, None, None)
        await _idle(kept, 1)
    assert len(set(site.threads)) == 1


async def test_requests_at_once_have_a_thread_each_and_only_so_many_are_kept() -> None:
    site = Site()
    kept = KeptThreads(site, kept=2)
    await asyncio.gather(*(kept({"seconds": 0.05}, None, None) for _ in range(4)))
    assert len(set(site.threads)) == 4
    await _idle(kept, 2)
    await asyncio.sleep(0.1)
    assert len(kept.idle) == 2


async def test_a_thread_whose_request_was_broken_off_is_lent_when_its_work_is_done() -> None:
    site = Site()
    kept = KeptThreads(site)
    broken = asyncio.create_task(kept({"seconds": 0.2}, None, None))
    while not site.threads:
        await asyncio.sleep(0.001)
    broken.cancel()
    await asyncio.gather(broken, return_exceptions=True)
    await asyncio.wait_for(kept({"seconds": 0}, None, None), timeout=30)
    assert site.threads[1] != site.threads[0]
    await _idle(kept, 2)
