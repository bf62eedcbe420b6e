"""The queue that rings the bell. Messages are JSON, carry an id and nothing else, and may be lost without harm (D1)."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")

# kombu's name for a unix socket differs from the one that redis-py takes.
BROKER = settings.REDIS_URL.replace("unix://", "redis+socket://", 1)

app = Celery("lodestar", broker=BROKER, include=["workers.agent.tasks"])
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue="lodestar",
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
    timezone="UTC",
)
app.set_default()


@setup_logging.connect  # type: ignore[untyped-decorator]
def _keep_our_logging(**_: Any) -> None:
    """Celery would otherwise put handlers of its own on the root logger."""
