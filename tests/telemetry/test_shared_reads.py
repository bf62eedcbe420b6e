import asyncio
from threading import Event as Flag

from runs.telemetry.shared_reads import shared_read


class Counter:
    """Counts how often it was read; `gate` holds a read up."""

    def __init__(self) -> None:
        self.reads = 0
        self.begun = Flag()
        self.gate = Flag()
        self.gate.set()

    def read(self) -> int:
        self.reads += 1
        number = self.reads
        self.begun.set()
        assert self.gate.wait(10)
        return number


async def test_all_who_ask_at_once_share_one_read() -> None:
    counter = Counter()
    assert await asyncio.gather(*[shared_read(counter.read) for _ in range(50)]) == [1] * 50


async def test_whoever_asks_while_a_read_runs_gets_a_newer_one() -> None:
    counter = Counter()
    counter.gate.clear()
    first = asyncio.create_task(shared_read(counter.read))
    assert await asyncio.to_thread(counter.begun.wait, 10)
    later = [asyncio.create_task(shared_read(counter.read)) for _ in range(20)]
    await asyncio.sleep(0)
    counter.gate.set()
    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 20


async def test_a_reader_that_leaves_takes_nothing_from_the_others() -> None:
    counter = Counter()
    leaving, staying = (asyncio.create_task(shared_read(counter.read)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 1
