"""The one door through which a run's state changes: checked against the table, written with its history, announced."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.launches.models import Run, RunHistory
from runs.launches.signals import run_changed
from runs.launches.states import FINAL, TRANSITIONS, State
from runs.leases import Fenced
from runs.problems import Conflict
from workers.contract.events import EventBase, LogEvent


def locked(run_id: str, attempt: int | None = None) -> Run:
    """The run's row, held until the caller's transaction ends. Raises Fenced when it is another attempt's by now."""
    run = Run.objects.select_for_update().get(id=run_id)
    if attempt is not None and run.attempt != attempt:
        raise Fenced(f"Attempt {attempt} no longer holds {run_id}; attempt {run.attempt} does.")
    return run


@transaction.atomic
def transition(
    run_id: str,
    to: State,
    *,
    by: str,
    reason: str = "",
    attempt: int | None = None,
    said_by_engine: bool = False,
    event: EventBase | None = None,
    **changes: Any,
) -> Run:
    """Moves a run to `to` and sets `changes` with it, which go before the times that a move sets by itself.

    `said_by_engine` keeps a second event out of the log, which has the engine's own already.
    Raises Conflict when the table forbids the move, Fenced when `attempt` no longer holds the run.
    """
    run = locked(run_id, attempt)
    before = State(run.state)
    if to not in TRANSITIONS[before]:
        raise Conflict("run_state", f"A {before} run cannot become {to}.")
    Run.objects.filter(id=run_id).update(state=to, **(_stamps(to) | changes))
    record(run, before, to, by=by, reason=reason)
    if not said_by_engine:
        event = event or LogEvent(message=f"{before.label} → {to.label}" + (f": {reason}" if reason else ""))
    return announce(run, event)


def name_of(actor: Actor) -> str:
    """A person as a run's story calls them."""
    return actor.user.name or actor.user.email


def record(run: Run, before: str, to: str, *, by: str, reason: str) -> None:
    """One line of the run's history."""
    RunHistory.objects.create(
        run=run, from_state=before, to_state=to, by=by[:200], reason=reason[:400], attempt=run.attempt
    )


def announce(run: Run, event: EventBase | None = None) -> Run:
    """Tells the other rooms that the row is new, and gives it back as it stands now."""
    run.refresh_from_db()
    run_changed.send(sender=Run, run=run, event=event)
    if event is not None:
        run.refresh_from_db(fields=["cursor"])
    return run


def _stamps(to: State) -> dict[str, Any]:
    if to in FINAL:
        return {"finished_at": Now(), "doing": "", "waiting_for": "", "eta_seconds": None}
    if to == State.QUEUED:
        return {"queued_at": Now(), "finished_at": None, "failure": None, "doing": "", "eta_seconds": None}
    return {}
