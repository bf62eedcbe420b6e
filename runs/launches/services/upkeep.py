"""What people change about a run besides its state: names, tags, deletion, another try; and its checkpoints."""

from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.services import audit
from runs.algorithms.selectors import primary_role
from runs.bell import ring_after_commit
from runs.launches.models import Checkpoint, Run
from runs.launches.schemas import RunEdit
from runs.launches.services.create import tidy_tags
from runs.launches.services.transition import announce, locked, name_of, transition
from runs.launches.services.waiting import READY, release_waiting
from runs.launches.states import FINAL, State
from runs.leases import Desired
from runs.library.models import LibraryModel
from runs.library.services import register_from_run
from runs.problems import Conflict


@transaction.atomic
def edit_run(run: Run, edit: RunEdit, actor: Actor) -> Run:
    changes = edit.model_dump(exclude_none=True)
    if "tags" in changes:
        changes["tags"] = tidy_tags(changes["tags"])
    if changes:
        Run.objects.filter(id=run.id).update(**changes)
        audit(run.project, actor, "run.edit", run.id, changes)
    return announce(run)


@transaction.atomic
def delete_run(run: Run, actor: Actor) -> None:
    """Puts the run away; restore_run brings it back. Raises Conflict while something may still execute it."""
    run = locked(run.id)
    if run.state not in (State.DRAFT, *FINAL) or run.lease_until is not None:
        raise Conflict("run_state", f"A {run.state} run cannot be deleted. Cancel it first.")
    Run.objects.filter(id=run.id).update(deleted_at=Now())
    audit(run.project, actor, "run.delete", run.id, {"name": run.name})
    release_waiting(announce(run))


@transaction.atomic
def restore_run(run: Run, actor: Actor) -> Run:
    Run.objects.filter(id=run.id).update(deleted_at=None)
    audit(run.project, actor, "run.restore", run.id, {"name": run.name})
    release_waiting(announce(run))
    return run


@transaction.atomic
def retry(run: Run, actor: Actor) -> Run:
    """Queues an ended run again, with a fresh budget of recoveries. It goes on from its newest checkpoint."""
    run = locked(run.id)
    if run.deleted_at is not None:
        raise Conflict("run_deleted", "This run is deleted. Restore it first.")
    fresh: dict[str, Any] = {"desired": Desired.RUN, "recoveries": 0, "recovered_step": -1, "not_before": None}
    queued = transition(run.id, State.QUEUED, by=name_of(actor), reason="Tried again.", **fresh)
    audit(run.project, actor, "run.retry", run.id, {})
    ring_after_commit(READY, run.id)
    release_waiting(queued)
    return queued


def mark_checkpoint(checkpoint_id: str, *, verified: bool) -> None:
    """Keeps what recomputing the hashes showed."""
    Checkpoint.objects.filter(id=checkpoint_id).update(verified=verified)


@transaction.atomic
def register_checkpoint(checkpoint: Checkpoint, name: str, actor: Actor) -> LibraryModel:
    """A model of the library, made from the policy that a checkpoint holds. Raises Conflict when its files are gone."""
    if not checkpoint.is_there():
        gone = f"The files of the checkpoint of step {checkpoint.step} are gone."
        raise Conflict("checkpoint_gone", f"{gone} Take a newer one, or keep more of them: `save_total_limit`.")
    run = checkpoint.run
    policy = str(Path(checkpoint.path) / primary_role(run.method))
    audit(run.project, actor, "checkpoint.register", checkpoint.id, {"name": name})
    return register_from_run(
        run.project, run_id=run.id, name=name, path=policy, step=checkpoint.step, actor=actor
    )
