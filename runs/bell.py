"""The bell: tells workers that something is ready. It may be lost, doubled or late; the sweeper finds what it missed."""

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

ONE_TRY = {"max_retries": 0, "interval_start": 0, "interval_step": 0}
"""A person waits for the answer while the bell is rung; kombu's own default would try for seconds."""


def ring_after_commit(task: str, subject_id: str) -> None:
    """Sends `task` with one id once the transaction around the caller has committed."""
    transaction.on_commit(lambda: ring(task, subject_id))


def ring(task: str, subject_id: str) -> None:
    """Sends `task` now. A queue that is down costs one log line: the database already says what is ready."""
    try:
        with current_app.connection_for_write() as connection:
            connection.transport_options |= ONE_TRY
            current_app.send_task(task, [subject_id], connection=connection, retry=False, ignore_result=True)
    except (OperationalError, ConnectionError) as error:
        log.warning("bell_not_rung", task=task, subject=subject_id, error=str(error))
