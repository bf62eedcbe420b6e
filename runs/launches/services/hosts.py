"""Workers' own rows: who is there, what it has, when it was last seen (by the database's clock)."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from runs.launches.models import Worker

HEARTBEAT_SECONDS = 5
OFFLINE_AFTER = timedelta(seconds=4 * HEARTBEAT_SECONDS)


def announce_worker(worker_id: str, **facts: Any) -> None:
    """A worker starts: its row is made or made new."""
    Worker.objects.update_or_create(id=worker_id, defaults={"last_seen": Now(), "leaving": False, **facts})


def heartbeat(worker_id: str, **facts: Any) -> None:
    """A worker is still there."""
    Worker.objects.filter(id=worker_id).update(last_seen=Now(), **facts)
