"""The sockets of a run and of a project. The log is the truth; what the channel layer brings are hints (D8)."""

import asyncio
import math
import re
import time
from typing import Any, NamedTuple

import orjson

from runs.jobs.models import Job
from runs.jobs.schemas import JobOut
from runs.launches.models import Run
from runs.launches.schemas import RunSummary
from runs.telemetry import selectors
from runs.telemetry.entry import Visitor, admit, parameters
from runs.telemetry.follower import Follower
from runs.telemetry.hints import project_group, run_group
from runs.telemetry.shared_reads import read, shared_read

READ_EVENTS = 500
RESET_EVENTS = 5000
"""A reader further behind than this reloads by REST and goes on from there."""
MAX_WAITING_EVENTS = 5000
MAX_WAITING_BYTES = 4 * 1024 * 1024
CURSOR = re.compile(r"[0-9]{1,18}")
SUMMARY_SECONDS = 0.5
"""A run's summary is sent at most this often."""


class Hint(NamedTuple):
    """Events `first` to `last` of the log exist; `items` is their JSON, comma-separated, when it was small."""

    first: int
    last: int
    items: bytes


def summary_json(run: Run) -> bytes:
    return b'{"type":"run","run":%b}' % RunSummary.from_orm(run).model_dump_json().encode()


def _summary(run_id: str) -> bytes:
    return summary_json(Run.objects.select_related("created_by").defer("spec", "draft").get(id=run_id))


def job_json(job: Job) -> bytes:
    return b'{"type":"job","job":%b}' % JobOut.from_orm(job).model_dump_json().encode()


class RunConsumer(Follower):
    """Every event of one run after the reader's cursor, each once, in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor = 0
        self.epoch = ""
        self.waiting: list[Hint] = []
        self.waiting_events = 0
        self.waiting_bytes = 0
        self.behind = True
        self.summary_due = False
        self.summary_at = 0.0

    def enter(self) -> Visitor:
        self.run_id: str = self.scope["url_route"]["kwargs"]["run_id"]
        self.group = run_group(self.run_id)
        return admit(self.scope, run_id=self.run_id)

    async def greet(self) -> None:
        """Says where the log stands; a reader whose cursor is of another epoch or too far back reloads."""
        asked = parameters(self.scope)
        after = int(asked["after"]) if CURSOR.fullmatch(asked.get("after", "")) else 0
        head, self.epoch, summary = await read(self._snapshot)
        known = asked.get("epoch", self.epoch) in (self.epoch, "") and after <= head
        recovered = known and head - after <= RESET_EVENTS
        self.cursor = after if recovered else head
        await self.say(orjson.dumps(
            {"type": "hello", "run": summary, "epoch": self.epoch, "cursor": head, "recovered": recovered}
        ))
        if not recovered:
            await self._reset(head)
        self.wake()

    def _snapshot(self) -> tuple[int, str, dict[str, Any]]:
        run = Run.objects.select_related("created_by").get(id=self.run_id)
        return run.cursor, run.epoch, RunSummary.from_orm(run).model_dump(mode="json")

    async def run_events(self, message: dict[str, Any]) -> None:
        if self.gone:
            return
        hint = Hint(message["first"], message["last"], message.get("items", b""))
        self.waiting.append(hint)
        self.waiting_events += hint.last - hint.first + 1
        self.waiting_bytes += len(hint.items)
        if self.waiting_events > MAX_WAITING_EVENTS or self.waiting_bytes > MAX_WAITING_BYTES:
            self._forget()
            await self.overflow()
        else:
            self.wake()

    async def run_changed(self, message: dict[str, Any]) -> None:
        self.summary_due = True
        self.wake()

    async def deliver(self) -> None:
        await self._pass_on()
        while self.behind:
            await self._catch_up()
            await self._pass_on()
        await self._summarise()

    async def _pass_on(self) -> None:
        """Sends the hints that follow the cursor without a gap; at a gap the log is read instead."""
        hints, parts = self.waiting, []
        self._forget()
        for hint in hints:
            if hint.last <= self.cursor:
                continue
            if self.behind or hint.first > self.cursor + 1 or not hint.items:
                self.behind = True
                break
            parts.append(hint.items if hint.first == self.cursor + 1 else _after(hint.items, self.cursor))
            self.cursor = hint.last
        if parts:
            await self._say_events(b",".join(parts))

    async def _catch_up(self) -> None:
        """Reads the log after the cursor, a piece at a time, until nothing new is there."""
        head, epoch = await shared_read(selectors.head, self.run_id)
        if epoch != self.epoch or head - self.cursor > RESET_EVENTS:
            self.epoch = epoch
            await self._reset(head)
        found = await read(selectors.events_after, self.run_id, self.cursor, limit=READ_EVENTS)
        self.behind = bool(found.items)
        if found.items:
            self.cursor = found.last
            await self._say_events(b",".join(found.items))

    async def _say_events(self, items: bytes) -> None:
        await self.say(b'{"type":"events","items":[%b]}' % items)

    async def _reset(self, head: int) -> None:
        self.cursor = head
        await self.say(orjson.dumps({"type": "reset", "epoch": self.epoch, "cursor": head}))

    async def beat(self) -> None:
        """Says where the log stands, and notices what a lost hint would have brought."""
        head, epoch = await shared_read(selectors.head, self.run_id)
        self.behind = self.behind or head > self.cursor or epoch != self.epoch
        if self.behind:
            self.summary_due = True
            await self.deliver()
        await self.say(orjson.dumps({"type": "beat", "cursor": self.cursor, "time": round(time.time(), 3)}))

    async def _summarise(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self.summary_due or now < self.summary_at + SUMMARY_SECONDS:
            self.due_at = self.summary_at + SUMMARY_SECONDS if self.summary_due else math.inf
            return
        self.summary_due, self.summary_at, self.due_at = False, now, math.inf
        await self.say(await shared_read(_summary, self.run_id))

    def _forget(self) -> None:
        self.waiting, self.waiting_events, self.waiting_bytes = [], 0, 0


def _after(items: bytes, cursor: int) -> bytes:
    """The items beyond the cursor, of a hint that reaches back before it."""
    kept = [item for item in orjson.loads(b"[%b]" % items) if item["cursor"] > cursor]
    return b",".join(map(orjson.dumps, kept))


def _changes(project_id: str, run_ids: tuple[str, ...], job_ids: tuple[str, ...]) -> list[bytes]:
    runs = Run.objects.filter(id__in=run_ids, project_id=project_id).select_related("created_by").defer("spec", "draft")
    jobs = Job.objects.filter(id__in=job_ids, project_id=project_id)
    return [*map(summary_json, runs), *map(job_json, jobs)]


class ProjectConsumer(Follower):
    """Runs and jobs of one project as they change, each at most a few times a second."""

    pause_seconds = 0.25

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changed: dict[str, set[str]] = {"run": set(), "job": set()}

    def enter(self) -> Visitor:
        project_id: str = self.scope["url_route"]["kwargs"]["project_id"]
        self.group = project_group(project_id)
        return admit(self.scope, project_id=project_id)

    async def greet(self) -> None:
        await self.say(b'{"type":"hello"}')

    async def project_changed(self, message: dict[str, Any]) -> None:
        self.changed[message["kind"]].add(message["id"])
        self.wake()

    async def deliver(self) -> None:
        changed, self.changed = self.changed, {"run": set(), "job": set()}
        if changed["run"] or changed["job"]:
            runs, jobs = (tuple(sorted(changed[kind])) for kind in ("run", "job"))
            for text in await shared_read(_changes, self.visitor.project_id, runs, jobs):
                await self.say(text)

    async def beat(self) -> None:
        await self.say(orjson.dumps({"type": "beat", "time": round(time.time(), 3)}))
