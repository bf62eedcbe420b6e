"""Runs that start from another run's final model: what they wait for, and when they may go."""

from typing import Any

from django.db import transaction

from runs.bell import ring_after_commit
from runs.jobs.models import FINAL as JOB_FINAL
from runs.jobs.models import Job
from runs.launches.freeze import final_model
from runs.launches.models import Run
from runs.launches.services.transition import announce
from runs.launches.states import State

READY = "lodestar.run_ready"


def wait_text(upstream: Run) -> str:
    """What such a run waits for, and what to do when that will not come."""
    what = f"the final model of {upstream.name}"
    if upstream.deleted_at:
        return f"{what}, which is deleted: restore it, or cancel this run"
    if upstream.state in (State.FAILED, State.CANCELLED):
        ended = "failed" if upstream.state == State.FAILED else "was cancelled"
        return f"{what}, which {ended}: retry it, or cancel this run"
    if upstream.state == State.SUCCEEDED and not upstream.final_model_id:
        return f"{what}, which ended without one: cancel this run"
    return what


@transaction.atomic
def release_waiting(upstream: Run) -> None:
    """Lets go the runs that waited for `upstream`, or tells them how it stands."""
    final = final_model(upstream)
    for run in Run.objects.select_for_update().filter(waits_on=upstream):
        if final is None:
            changes: dict[str, Any] = {"waiting_for": wait_text(upstream)[:300]}
        else:
            models = run.spec["models"]
            given = {role: final.model_dump(mode="json") for role, ref in models.items() if ref["model_id"] == upstream.id}
            changes = {"waits_on": None, "waiting_for": "", "spec": run.spec | {"models": models | given}}
        Run.objects.filter(id=run.id).update(**changes)
        announce(run)
        ring_after_commit(READY, run.id)


def after_inspection(job: Job) -> None:
    """The library has looked at a model: whoever waits for it may go."""
    if job.kind != "model_inspect" or job.state not in JOB_FINAL:
        return
    for upstream in Run.objects.filter(final_model_id=job.subject_id):
        release_waiting(upstream)
