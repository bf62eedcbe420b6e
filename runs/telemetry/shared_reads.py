"""One database read for all sockets of a process that want the same at the same time."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from channels.db import DatabaseSyncToAsync

T = TypeVar("T")

READERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="telemetry-read")
"""All sockets of a process read the database here, so that a thousand of them hold a handful of connections."""

_running: dict[Hashable, "asyncio.Task[Any]"] = {}
_waiting: dict[Hashable, "asyncio.Task[Any]"] = {}


async def read(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Runs a database read off the event loop."""
    found: T = await DatabaseSyncToAsync(call, thread_sensitive=False, executor=READERS)(*args, **kwargs)
    return found


async def shared_read(call: Callable[..., T], *args: Hashable) -> T:
    """As `read`, together with all who ask for the same before it begins.

    Whoever asks while one is running gets the one after it: what they were told of may be too new for the running one.
    """
    key = (asyncio.get_running_loop(), call, args)
    if key not in _waiting:
        _waiting[key] = asyncio.create_task(_read_next(key, call, args))
    found: T = await asyncio.shield(_waiting[key])
    return found


async def _read_next(key: Hashable, call: Callable[..., T], args: tuple[Hashable, ...]) -> T:
    while before := _running.get(key):
        await asyncio.wait([before])
    task = _waiting.pop(key)
    _running[key] = task
    try:
        return await read(call, *args)
    finally:
        del _running[key]
