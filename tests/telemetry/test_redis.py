"""The sockets over the real channel layer, through what happens to a Redis."""

import asyncio

import pytest
from channels.layers import channel_layers
from pytest_django.fixtures import Settings
from redis import Redis

from runs.accounts.models import User
from runs.launches.models import Run
from runs.telemetry.follower import Follower
from tests.conftest import RedisServer
from tests.telemetry.events import metric, rollout
from tests.telemetry.viewer import Viewer, run_path, ship, ship_many

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def channel_layer_over_redis(settings: Settings, redis_server: RedisServer) -> None:
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": layer, "CONFIG": {"hosts": [redis_server.url]}}}
    channel_layers.backends.clear()


async def test_events_reach_a_viewer_as_they_are_kept(run: Run, owner: User) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        shipping = asyncio.create_task(ship_many(run, [metric(seq) for seq in range(1, 61)], batch=2))
        assert await viewer.cursors_until(60) == list(range(1, 61))
        await shipping


async def test_an_emptied_redis_loses_nothing(run: Run, owner: User, redis_server: RedisServer) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await ship_many(run, [metric(1), metric(2)])
        Redis.from_url(redis_server.url).flushall()
        await ship_many(run, [metric(3), rollout(4, step=3)])
        assert await viewer.cursors_until(4) == [1, 2, 3, 4]


async def test_a_redis_that_dies_and_comes_back_loses_nothing_and_doubles_nothing(
    run: Run, owner: User, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follower, "beat_seconds", 0.3)
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await ship_many(run, [metric(1), metric(2)])
        redis_server.stop()
        await ship_many(run, [metric(3), metric(4)])
        assert await viewer.cursors_until(4) == [1, 2, 3, 4]
        redis_server.start()
        await ship_many(run, [metric(5), metric(6)])
        assert await viewer.cursors_until(6) == [5, 6]


async def test_events_too_large_for_a_hint_are_read_from_the_log(run: Run, owner: User) -> None:
    async with Viewer(run_path(run), owner) as viewer:
        await viewer.hear_of("hello")
        await ship(run.id, 1, [rollout(1, step=1, text="long " * 20_000)])
        await ship(run.id, 1, [metric(2)])
        assert await viewer.cursors_until(2) == [1, 2]
