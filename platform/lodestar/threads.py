"""Threads that requests borrow. Django would start one for each request, and one more to end it."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.db import connections

Application = Callable[[Any, Any, Any], Awaitable[None]]


class KeptThreads:
    """Lends each request of `application` a thread for as long as it lasts; at most `kept` idle ones wait for the next.

    With SQLite the thread keeps its connection: opening one costs as much as answering. Postgres has its own pool.
    """

    def __init__(self, application: Application, *, kept: int = 16) -> None:
        self.application, self.kept = application, kept
        self.idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        thread = self.idle.pop() if self.idle else ThreadPoolExecutor(1, "request", _keep_connections)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.application(scope, receive, send)
        finally:
            self._take_back(thread)

    def _take_back(self, thread: ThreadPoolExecutor) -> None:
        """Idle only once it has no work left: what a request that was broken off began goes on in its thread."""
        loop = asyncio.get_running_loop()
        thread.submit(int).add_done_callback(lambda _: loop.call_soon_threadsafe(self._keep_or_end, thread))

    def _keep_or_end(self, thread: ThreadPoolExecutor) -> None:
        """Decided in the loop, thread by thread, so that requests that end together cannot all find room."""
        if len(self.idle) < self.kept:
            self.idle.append(thread)
            return
        thread.submit(connections.close_all)
        thread.shutdown(wait=False)


def _keep_connections() -> None:
    """This thread's connections to SQLite stay open between requests."""
    for connection in connections.all():
        if connection.vendor == "sqlite":
            connection.settings_dict = connection.settings_dict | {"CONN_MAX_AGE": None}
