"""How an attempt ends: its row is closed, its place freed, and the run goes where the cause and the people's wish say."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.bell import ring_after_commit
from runs.launches.models import Attempt, Run
from runs.launches.services.recovery import BACKOFF_SECONDS, RETRYABLE, may_recover, newest_step, spend
from runs.launches.services.transition import announce, locked, transition
from runs.launches.services.waiting import READY, release_waiting
from runs.launches.states import FINAL, State
from runs.leases import Desired
from workers.contract.events import FailedEvent, LogEvent


@transaction.atomic
def end_attempt(run_id: str, attempt: int, *, by: str, exit_: str, failure: FailedEvent | None = None) -> Run:
    """The executor of `attempt` has left and nothing of it runs any more.

    `failure` is what its supervisor found; what the engine itself said goes first. Raises Fenced.
    """
    run = locked(run_id, attempt)
    cause = close_attempt(run, exit_=exit_, failure=failure)
    give_back(run_id)
    if cause is not None:
        settle(run, cause, by=by)
    ring_after_commit(READY, run_id)
    return announce(run)


def close_attempt(run: Run, *, exit_: str, failure: FailedEvent | None) -> Any:
    """Ends the row of the run's latest attempt; answers why it ended, or None when the run had ended well before."""
    row = Attempt.objects.filter(run=run, number=run.attempt, ended_at=None).first()
    if row is None:
        return failure
    cause = FailedEvent.model_validate(row.failure) if row.failure else failure
    if run.state == State.SUCCEEDED:
        cause = None
    row.ended_at, row.exit, row.cause = Now(), exit_[:80], cause.code if cause else ""
    row.failure = cause.model_dump(exclude={"seq", "time", "type"}) if cause else None
    row.save(update_fields=["ended_at", "exit", "cause", "failure"])
    return cause


def give_back(run_id: str) -> None:
    """Frees the lease and the devices."""
    Run.objects.filter(id=run_id).update(lease_until=None, owner="", devices=[])


def settle(run: Run, failure: FailedEvent, *, by: str) -> None:
    """Moves a run that no executor holds any more to where it belongs."""
    if run.state in FINAL:
        return
    if run.desired in (Desired.CANCEL, Desired.STOP):
        asked = "cancelled" if run.desired == Desired.CANCEL else "stopped"
        transition(run.id, State.CANCELLED, by=by, reason=f"It was asked to be {asked}.")
    elif failure.code not in RETRYABLE:
        fail(run, failure, by=by)
    elif run.desired == Desired.PAUSE:
        _rest(run, failure, by=by)
    elif failure.code == "preempted":
        # A host that leaves in good order costs no try: the run did nothing wrong and saved its state.
        _queue_again(run, "Its worker left; it goes on from its newest checkpoint.", by=by)
    elif may_recover(run):
        wait = spend(run)
        again = f"new try {run.recoveries + 1} of {len(BACKOFF_SECONDS)}" + f" in {wait} s" * bool(wait)
        story = f"{failure.message} It stood at step {run.step}; it starts again from step {max(newest_step(run), 0)}, {again}."
        reason = f"{failure.message} Try {run.recoveries + 1} of {len(BACKOFF_SECONDS)}" + f" in {wait} s." * bool(wait)
        event = LogEvent(level="warning", message=story)
        _queue_again(run, reason, by=by, event=event, waiting_for=f"{again}: {failure.message}"[:300])
    else:
        fail(run, failure, by=by)


def _queue_again(run: Run, reason: str, *, by: str, **said: Any) -> None:
    """In its old place: what it waited for once it need not wait for again behind those that came later."""
    transition(run.id, State.QUEUED, by=by, reason=reason, queued_at=run.queued_at, **said)


def fail(run: Run, failure: FailedEvent, *, by: str, said_by_engine: bool = False) -> Run:
    """The run ends badly, by name."""
    step = run.step if failure.step is None else failure.step
    public = {"code": failure.code, "message": failure.message, "remedy": failure.remedy, "step": step}
    event = None if said_by_engine else failure
    failed = transition(
        run.id, State.FAILED, by=by, reason=failure.message, said_by_engine=said_by_engine, event=event, failure=public
    )
    release_waiting(failed)
    return failed


def _rest(run: Run, failure: FailedEvent, *, by: str) -> None:
    """A run that people want paused stays so without an executor; resuming queues it."""
    if run.state != State.PAUSED:
        transition(run.id, State.PAUSED, by=by, reason=f"{failure.message} It stays paused.")
