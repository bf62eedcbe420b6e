"""Finds what no bell told: lost executors, expired leases, runs whose time has come. Needs no queue (D1)."""

from datetime import timedelta

import structlog

from runs.datasets import services as datasets
from runs.jobs import services as jobs
from runs.launches import services as launches
from runs.recipes import services as recipes
from workers.agent.places import start_jobs, start_runs

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 10.0
TURN = timedelta(seconds=3 * SWEEP_SECONDS)
TIDY_SECONDS = 3600.0


def sweep(worker_id: str) -> None:
    """One round. Settling is one worker's turn at a time; filling its places is each worker's own."""
    if jobs.take_turn("sweep", owner=worker_id, span=TURN):
        settled = launches.settle_lost() + jobs.settle_lost()
        if settled:
            log.info("settled_lost", count=settled)
        recipes.advance_open()
    start_runs(worker_id)
    start_jobs(worker_id)


def tidy(worker_id: str) -> None:
    """Removes what nobody will come back for; one worker's turn at a time."""
    if not jobs.take_turn("tidy", owner=worker_id, span=timedelta(seconds=TIDY_SECONDS)):
        return
    forgotten, removed = datasets.forget_abandoned_uploads(), datasets.remove_rows_of_failed_versions()
    if forgotten or removed:
        log.info("tidied", uploads=forgotten, versions=removed)
