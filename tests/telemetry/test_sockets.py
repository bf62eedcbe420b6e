import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.contrib.sessions.models import Session
from pytest_django.fixtures import Settings

from runs.accounts.access import Actor
from runs.accounts.models import Membership, Project, User
from runs.accounts.secrets import create_ticket
from runs.jobs.services import enqueue
from runs.launches.models import Run
from runs.telemetry.consumers import RunConsumer
from runs.telemetry.follower import Follower
from runs.telemetry.shared_reads import READERS
from tests.telemetry.events import metric, rollout, said
from tests.telemetry.viewer import Viewer, run_path, ship, ship_many

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def channel_layer_in_memory(settings: Settings, transactional_db: None) -> Iterator[None]:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    yield
    _wait_for_readers()


def _wait_for_readers() -> None:
    """A read that a socket left behind would stand in the way of the tables' emptying."""
    together = threading.Barrier(READERS._max_workers)
    for one in [READERS.submit(together.wait, 20) for _ in range(READERS._max_workers)]:
        one.result()


async def test_a_viewer_gets_what_is_there_then_what_comes(run: Run, owner: User) -> None:
    await ship_many(run, [metric(seq) for seq in range(1, 4)])
    async with Viewer(run_path(run), owner) as viewer:
        hello = await viewer.hear()
        assert (hello["type"], hello["cursor"], hello["recovered"], hello["run"]["id"]) == ("hello", 3, True, run.id)
        assert await viewer.cursors_until(3) == [1, 2, 3]
        await ship_many(run, [metric(4), said(5)])
        assert await viewer.cursors_until(5) == [4, 5]


async def test_rollouts_are_sent_without_their_token_arrays(run: Run, owner: User) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await ship(run.id, 1, [rollout(1, step=1)])
        [item] = (await viewer.hear_of("events"))["items"]
        assert "tokens" not in item["event"]["answers"][0]
        assert item["event"]["prompt"] == "4 + 8 = ?"


async def test_a_lost_hint_is_made_good_by_the_beat(run: Run, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Follower, "beat_seconds", 0.2)
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await sync_to_async(_ship_in_silence)(run)
        assert await viewer.cursors_until(2) == [1, 2]
        assert (await viewer.hear_of("beat"))["cursor"] == 2


def _ship_in_silence(run: Run) -> None:
    """Events whose hints go to a layer that nobody listens to, as when Redis has just been emptied."""
    from runs.telemetry.services import ingest

    listening = channel_layers.backends.pop("default")
    ingest(run.id, 1, [metric(1), metric(2)])
    channel_layers.backends["default"] = listening


async def test_a_gap_between_hints_is_read_from_the_log(run: Run, owner: User) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await sync_to_async(_ship_in_silence)(run)
        await ship(run.id, 1, [metric(3)])
        assert await viewer.cursors_until(3) == [1, 2, 3]


async def test_whoever_comes_back_at_any_cursor_gets_each_event_once_in_order(run: Run, owner: User) -> None:
    total, dice = 120, random.Random(7)
    shipping = asyncio.create_task(ship_many(run, [metric(seq) for seq in range(1, total + 1)], batch=3))
    seen: list[int] = []
    while len(seen) < total:
        async with Viewer(run_path(run, after=len(seen)), owner) as viewer:
            await viewer.hear_of("hello")
            for _ in range(dice.randint(1, 6)):
                seen += [item["cursor"] for item in (await viewer.hear_of("events"))["items"]]
                if len(seen) >= total:
                    break
    await shipping
    assert seen == list(range(1, total + 1))


async def test_a_viewer_too_far_behind_is_told_to_reload(
    run: Run, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.telemetry.consumers.RESET_EVENTS", 10)
    await ship(run.id, 1, [metric(seq) for seq in range(1, 21)])
    async with Viewer(run_path(run, after=2), owner) as viewer:
        assert (await viewer.hear())["recovered"] is False
        assert await viewer.hear_of("reset") == {"type": "reset", "epoch": run.epoch, "cursor": 20}
        await ship(run.id, 1, [metric(21)])
        assert await viewer.cursors_until(21) == [21]


@pytest.mark.parametrize(("after", "epoch"), [(2, "ep_before_the_restore"), (99, None)], ids=["old epoch", "from the future"])
async def test_a_cursor_that_means_nothing_here_leads_to_a_reload(
    run: Run, owner: User, after: int, epoch: str | None
) -> None:
    await ship(run.id, 1, [metric(seq) for seq in range(1, 4)])
    async with Viewer(run_path(run, after=after, epoch=epoch), owner) as viewer:
        assert (await viewer.hear())["recovered"] is False
        assert (await viewer.hear_of("reset"))["cursor"] == 3


async def test_a_log_restored_from_a_backup_leads_to_a_reload(
    run: Run, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follower, "beat_seconds", 0.2)
    await ship(run.id, 1, [metric(1), metric(2)])
    async with Viewer(run_path(run), owner) as viewer:
        assert await viewer.cursors_until(2) == [1, 2]
        await Run.objects.filter(id=run.id).aupdate(epoch="ep_new", cursor=1)
        assert await viewer.hear_of("reset") == {"type": "reset", "epoch": "ep_new", "cursor": 1}


async def test_the_summary_follows_the_run(run: Run, owner: User) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await ship(run.id, 1, [metric(1, reward=0.75)])
        assert (await viewer.hear_of("run"))["run"]["metrics"] == {"reward": 0.75}


async def test_a_stranger_and_an_unknown_run_look_alike(run: Run, stranger: User) -> None:
    for path in (run_path(run), "/ws/runs/run_unknown", "/ws/nothing/here"):
        async with Viewer(path, stranger) as viewer:
            assert await viewer.closed_with() == 4404


async def test_nobody_gets_in_without_signing_in(run: Run) -> None:
    async with Viewer(run_path(run), None) as viewer:
        assert await viewer.closed_with() == 4401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "ws://testserver", "http://testserver.evil.example"])
async def test_a_page_of_another_origin_is_refused(run: Run, owner: User, origin: str) -> None:
    async with Viewer(run_path(run), owner, origin=origin) as viewer:
        assert await viewer.closed_with() == 4403


async def test_a_ticket_opens_one_socket_once_and_on_its_run_only(run: Run, owner: User, make_run: Callable[[], Run]) -> None:
    other = await sync_to_async(make_run)()
    ticket, _ = await sync_to_async(create_ticket)(Actor(owner), run.id)
    async with Viewer(f"{run_path(run)}&ticket={ticket}", None, origin="") as viewer:
        assert (await viewer.hear())["type"] == "hello"
    async with Viewer(f"{run_path(run)}&ticket={ticket}", None, origin="") as viewer:
        assert await viewer.closed_with() == 4401
    ticket, _ = await sync_to_async(create_ticket)(Actor(owner), run.id)
    async with Viewer(f"{run_path(other)}&ticket={ticket}", None, origin="") as viewer:
        assert await viewer.closed_with() == 4401


async def test_a_member_who_is_put_out_is_cut(run: Run, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Follower, "recheck_seconds", 0.2)
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await Membership.objects.filter(user=owner).adelete()
        assert await viewer.closed_with() == 4404


async def test_a_busy_run_does_not_put_off_the_look_at_who_listens(
    run: Run, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follower, "recheck_seconds", 0.3)
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await Membership.objects.filter(user=owner).adelete()
        shipping = asyncio.create_task(ship_many(run, [metric(seq) for seq in range(1, 2000)]))
        assert await viewer.closed_with() == 4404
        shipping.cancel()


async def test_signing_out_closes_the_sockets(run: Run, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Follower, "recheck_seconds", 0.2)
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await Session.objects.all().adelete()
        assert await viewer.closed_with() == 4401


class StalledBrowser:
    """Takes the first message, then none: its `send` blocks as a full TCP window does."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = asyncio.Event()
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.closed.set()
        elif len(self.sent) > 2:
            await asyncio.Event().wait()


@pytest.mark.parametrize(("bound", "stall"), [(50, 30.0), (5000, 0.3)], ids=["too much waits", "takes nothing for too long"])
async def test_a_browser_that_reads_too_slowly_is_told_to_come_back(
    run: Run, owner: User, monkeypatch: pytest.MonkeyPatch, bound: int, stall: float
) -> None:
    monkeypatch.setattr("runs.telemetry.consumers.MAX_WAITING_EVENTS", bound)
    monkeypatch.setattr(Follower, "stall_seconds", stall)
    browser = StalledBrowser()
    ticket, _ = await sync_to_async(create_ticket)(Actor(owner), run.id)
    scope = {
        "type": "websocket", "headers": [], "query_string": f"after=0&ticket={ticket}".encode(),
        "url_route": {"kwargs": {"run_id": run.id}},
    }
    await browser.inbox.put({"type": "websocket.connect"})
    serving = asyncio.create_task(RunConsumer.as_asgi()(scope, browser.inbox.get, browser.send))
    await ship_many(run, [metric(seq) for seq in range(1, 120)], batch=2)
    async with asyncio.timeout(10):
        await browser.closed.wait()
    assert browser.sent[-1]["code"] == 4408
    await browser.inbox.put({"type": "websocket.disconnect", "code": 4408})
    await serving


async def test_a_project_hears_of_its_runs_and_jobs(project: Project, run: Run, owner: User) -> None:
    async with Viewer(f"/ws/projects/{project.id}", owner) as viewer:
        assert await viewer.hear() == {"type": "hello"}
        await ship(run.id, 1, [metric(1, reward=0.5)])
        assert (await viewer.hear_of("run"))["run"]["metrics"] == {"reward": 0.5}
        job = await sync_to_async(enqueue)(kind="preflight", project=project, payload={}, created_by=owner)
        assert (await viewer.hear_of("job"))["job"]["id"] == job.id


async def test_a_project_is_closed_to_strangers(project: Project, stranger: User) -> None:
    async with Viewer(f"/ws/projects/{project.id}", stranger) as viewer:
        assert await viewer.closed_with() == 4404


async def test_one_person_holds_a_bounded_number_of_sockets(
    run: Run, owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follower, "most_each", 2)
    await sync_to_async(Membership.objects.create)(project=run.project, user=stranger, role="viewer")
    async with Viewer(run_path(run), owner) as first, Viewer(run_path(run), owner) as second:
        assert (await first.hear())["type"] == (await second.hear())["type"] == "hello"
        async with Viewer(run_path(run), owner) as third:
            assert await third.closed_with() == 4429
        async with Viewer(run_path(run), stranger) as another:
            assert (await another.hear())["type"] == "hello"
    async with Viewer(run_path(run), owner) as again:
        assert (await again.hear())["type"] == "hello"


@pytest.mark.parametrize("after", ["9" * 5000, "-5", "1e3", "٣", ""])
async def test_an_odd_cursor_starts_at_the_beginning(run: Run, owner: User, after: str) -> None:
    await ship_many(run, [metric(1), metric(2)])
    async with Viewer(f"/ws/runs/{run.id}?after={quote(after)}", owner) as viewer:
        assert (await viewer.hear_of("hello"))["recovered"]
        assert await viewer.cursors_until(2) == [1, 2]
