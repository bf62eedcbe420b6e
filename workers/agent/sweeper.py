"""Finds what no bell told: lost executors, expired leases, runs whose time has come. Needs no queue (D1)."""

from datetime import timedelta

import structlog

from runs.jobs import services as jobs
from runs.launches import services as launches
from workers.agent.places import start_jobs, start_runs

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 10.0
TURN = timedelta(seconds=3 * SWEEP_SECONDS)


def sweep(worker_id: str) -> None:
    """One round. Settling is one worker's turn at a time; filling its places is each worker's own."""
    if jobs.take_turn("sweep", owner=worker_id, span=TURN):
        settled = launches.settle_lost() + jobs.settle_lost()
        if settled:
            log.info("settled_lost", count=settled)
    start_runs(worker_id)
    start_jobs(worker_id)
