"""The bell's tasks (D1). A message names what is ready, but only the database decides: doubled or late does no harm."""

from celery import shared_task

from workers.agent.identity import worker_id
from workers.agent.places import start_jobs, start_runs


@shared_task(name="lodestar.run_ready", ignore_result=True)  # type: ignore[untyped-decorator]
def run_ready(run_id: str) -> None:
    """Starts what fits, in the queue's order, which need not be `run_id`."""
    start_runs(worker_id())


@shared_task(name="lodestar.job_ready", ignore_result=True)  # type: ignore[untyped-decorator]
def job_ready(job_id: str) -> None:
    start_jobs(worker_id())
