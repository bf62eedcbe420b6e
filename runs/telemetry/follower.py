"""A socket that follows something: let in, hints gathered while a single task speaks, never more than a bound waiting.

Channels calls the handlers one after the other, so they only note what came and wake the speaker. The speaker sends,
paces itself, beats, and looks now and then whether the visitor still may listen.
"""

import asyncio
import contextlib
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from runs.telemetry.entry import TOO_MANY, TOO_SLOW, Refused, Visitor, check
from runs.telemetry.shared_reads import read

log = structlog.get_logger(__name__)


_open: dict[str, "WeakSet[Follower]"] = defaultdict(WeakSet)
"""The sockets of each person in this process; weak, so that none is counted after its end, however it ended."""


class Left(Exception):
    """The reader has gone; nothing more can be said."""


class Follower(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Subclasses say how to `enter`, `greet`, `deliver` and `beat`."""

    beat_seconds = 5.0
    recheck_seconds = 30.0
    rejoin_seconds = 3600.0
    stall_seconds = 30.0
    pause_seconds = 0.05
    most_each = 200
    """Sockets that one person may have open in one web process."""

    visitor: Visitor
    group: str
    due_at = math.inf
    """Time of the event loop at which `deliver` is due even if nothing wakes it."""
    _speaker: asyncio.Task[None] | None = None
    _gone = False

    def enter(self) -> Visitor:
        """Who this is; runs in a reading thread. Raises Refused."""
        raise NotImplementedError

    async def greet(self) -> None:
        raise NotImplementedError

    async def deliver(self) -> None:
        """Sends what is due; called after every wake and every beat."""
        raise NotImplementedError

    async def beat(self) -> None:
        raise NotImplementedError

    async def connect(self) -> None:
        await self.accept()
        self._awake = asyncio.Event()
        try:
            self.visitor = await read(self.enter)
        except Refused as refusal:
            await self.leave(refusal.code)
            return
        mine = _open[self.visitor.actor.user.pk]
        if len(mine) >= self.most_each:
            await self.leave(TOO_MANY)
            return
        mine.add(self)
        await self._join()
        self._speaker = asyncio.create_task(self._speak())
        self._speaker.add_done_callback(self._speaker_ended)

    async def disconnect(self, code: int) -> None:
        self._gone = True
        if hasattr(self, "visitor"):
            _open[self.visitor.actor.user.pk].discard(self)
        if self._speaker:
            self._speaker.cancel()
        if getattr(self, "group", ""):
            await self._channel(self.channel_layer.group_discard)

    def wake(self) -> None:
        self._awake.set()

    async def say(self, text: bytes) -> None:
        """Sends one message. Raises Refused when the reader takes none for too long, Left when there is none any more."""
        try:
            async with asyncio.timeout(self.stall_seconds):
                await self.send(text_data=text.decode())
        except TimeoutError:
            raise Refused(TOO_SLOW) from None
        except OSError:
            raise Left from None

    async def leave(self, code: int) -> None:
        """Closes with a code. A reader that stalls gets a moment; then the server's keep-alive ends the connection."""
        self._gone = True
        try:
            async with asyncio.timeout(1):
                await self.close(code)
        except TimeoutError:
            log.info("socket_stalled", code=code)
        except OSError:
            log.debug("socket_gone", code=code)

    async def overflow(self) -> None:
        """More waits than may: the reader comes back with its cursor."""
        if self._speaker and not self._gone:
            self._speaker.cancel()
            await self.leave(TOO_SLOW)

    @property
    def gone(self) -> bool:
        return self._gone

    async def _speak(self) -> None:
        try:
            await self.greet()
            await self._listen()
        except Refused as refusal:
            await self.leave(refusal.code)
        except Left:
            self._gone = True

    async def _listen(self) -> None:
        """Speaks when woken or when something is due; a busy run puts off neither beat nor check."""
        now = asyncio.get_running_loop().time
        chores = {self.beat: self.beat_seconds, self._check: self.recheck_seconds, self._join: self.rejoin_seconds}
        due = {chore: now() + seconds for chore, seconds in chores.items()}
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(*due.values(), self.due_at)):
                    await self._awake.wait()
            self._awake.clear()
            for chore, seconds in chores.items():
                if now() >= due[chore]:
                    due[chore] = now() + seconds
                    await chore()
            await self.deliver()
            await asyncio.sleep(self.pause_seconds)

    async def _check(self) -> None:
        await read(check, self.visitor)

    async def _join(self) -> None:
        await self._channel(self.channel_layer.group_add)

    async def _channel(self, call: Callable[..., Any]) -> None:
        """A channel layer that is down costs promptness only: beats find what its hints would have said."""
        try:
            await call(self.group, self.channel_name)
        except (RedisError, OSError) as error:
            log.warning("channel_layer_down", error=str(error))

    def _speaker_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        log.error("socket_failed", exc_info=task.exception())
        self._closing = asyncio.get_running_loop().create_task(self.leave(1011))


