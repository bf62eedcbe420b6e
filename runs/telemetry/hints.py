"""Hints through the channel layer that a run's log has grown. They may be lost: the log is the truth (D8)."""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from runs.jobs.models import Job
from runs.launches.models import Run
from runs.telemetry.lines import item_json, slim

log = structlog.get_logger(__name__)

MAX_ITEMS_BYTES = 48 * 1024
"""A hint carries its events when they are no larger than this; else readers go to the log for them."""
MAX_LINES_BYTES = 1024 * 1024
"""Larger deliveries are not even tried; rollouts may lose most of their size when their token arrays go."""
SILENCE_SECONDS = 1.0


def run_group(run_id: str) -> str:
    return f"run_{run_id}"


def project_group(project_id: str) -> str:
    return f"project_{project_id}"


def hint_after_commit(run: Run, attempt: int, first: int, lines: Sequence[bytes]) -> None:
    """Tells the run's readers, once the caller's transaction has committed, of events kept from cursor `first` on."""
    message: dict[str, Any] = {"type": "run.events", "first": first, "last": first + len(lines) - 1}
    if sum(map(len, lines)) <= MAX_LINES_BYTES:
        items = b",".join(item_json(cursor, attempt, slim(line)) for cursor, line in enumerate(lines, first))
        message |= {"items": items} if len(items) <= MAX_ITEMS_BYTES else {}
    transaction.on_commit(lambda: send_hint(run_group(run.id), message))


def hint_run_after_commit(run: Run) -> None:
    """Tells the readers of the run and of its project that the run's summary is new."""
    message = {"type": "project.changed", "kind": "run", "id": run.id}
    transaction.on_commit(lambda: send_hint(project_group(run.project_id), message))
    transaction.on_commit(lambda: send_hint(run_group(run.id), {"type": "run.changed"}))


def hint_job_after_commit(job: Job) -> None:
    message = {"type": "project.changed", "kind": "job", "id": job.id}
    transaction.on_commit(lambda: send_hint(project_group(job.project_id), message))


def send_hint(group: str, message: dict[str, Any]) -> None:
    """Sends now. A channel layer that is down costs one log line a second; readers find the rest by their beat."""
    if time.monotonic() < _Silence.until:
        return
    try:
        _send(group, message)
    except (RedisError, OSError) as error:
        _Silence.until = time.monotonic() + SILENCE_SECONDS
        log.warning("hint_not_sent", group=group, error=str(error))


class _Silence:
    """Until when nothing is tried, so that a Redis that hangs does not hold up what an engine ships."""

    until = 0.0


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if isinstance(layer, RedisPubSubChannelLayer):
        # The layer itself needs an event loop, and so a thread and a connection for each hint of a process that has
        # none. What it would publish is this, under its name for the group.
        prefix = layer._kwargs.get("prefix", "asgi")
        _publisher(layer._kwargs["hosts"][0]).publish(f"{prefix}__group__{group}", layer.serialize(message))
    else:
        async_to_sync(layer.group_send)(group, message)


@cache
def _publisher(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))
