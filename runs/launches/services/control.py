"""What people ask of a run: a wish the executor reads (`desired`), or a line for the engine, in order."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.services import audit
from runs.launches.freeze import method_card
from runs.launches.models import ControlMessage, Run
from runs.launches.schemas import ControlIn
from runs.launches.services.create import enqueue
from runs.launches.services.transition import announce, locked, name_of, transition
from runs.launches.states import CONTROLS, State
from runs.leases import Desired
from runs.problems import Conflict, FieldError, Invalid
from workers.contract.control import SampleNow, SaveCheckpoint, SetField, Stop

WISHES = {"pause": Desired.PAUSE, "resume": Desired.RUN, "stop": Desired.STOP, "cancel": Desired.CANCEL}


@transaction.atomic
def request_control(run: Run, control: ControlIn, actor: Actor) -> Run:
    """Notes what `actor` asks. Raises Conflict when the state forbids it, Invalid when the field cannot be set."""
    run = locked(run.id)
    by = name_of(actor)
    _check(run, control)
    audit(run.project, actor, f"run.{control.type}", run.id, control.model_dump(exclude_none=True, exclude={"type"}))
    if control.type in WISHES:
        Run.objects.filter(id=run.id).update(desired=WISHES[control.type])
    if run.lease_until is None and control.type in WISHES:
        return _without_executor(run, control.type, by=by)
    if message := _message(control, by):
        ControlMessage.objects.create(run=run, body=message, by=by)
    return announce(run)


def _check(run: Run, control: ControlIn) -> None:
    if run.state not in CONTROLS[control.type]:
        detail = f"A {run.state} run cannot take {control.type}."
        if run.state == State.QUEUED:
            detail += " It has not started; cancel it, or wait until it runs."
        elif run.state in (State.FAILED, State.CANCELLED):
            detail += " Retry it to go on from its newest checkpoint."
        raise Conflict("run_state", detail)
    ending = {Desired.STOP: "stopping", Desired.CANCEL: "being cancelled"}.get(Desired(run.desired))
    if ending and control.type != "cancel":
        raise Conflict("run_state", f"This run is {ending} already.")
    if control.type == "set":
        _check_field(run, control)


def _check_field(run: Run, control: ControlIn) -> None:
    card = method_card(run.method)
    if control.field not in card.live_fields:
        fields = ", ".join(card.live_fields) or "none"
        raise Invalid(f"{card.title} can change while it runs: {fields}.", [FieldError("field", f"Choose one of: {fields}.")])
    if control.value is None:
        raise Invalid("Give the new value.", [FieldError("value", "Give a number.")])


def _message(control: ControlIn, by: str) -> dict[str, Any] | None:
    if control.type == "stop":
        return Stop(checkpoint=control.checkpoint).model_dump()
    if control.type == "checkpoint":
        return SaveCheckpoint().model_dump()
    if control.type == "sample":
        return SampleNow().model_dump()
    if control.type == "set":
        return SetField(field=control.field or "", value=control.value or 0.0, by=by).model_dump()
    return None


def _without_executor(run: Run, wish: str, *, by: str) -> Run:
    """Nobody holds the run, so what was asked happens here and now."""
    if wish in ("cancel", "stop"):
        reason = "Cancelled." if wish == "cancel" else "Stopped while paused; its checkpoints stay."
        return transition(run.id, State.CANCELLED, by=by, reason=reason)
    if wish == "resume" and run.state == State.PAUSED:
        return enqueue(run, by=by, reason="Resumed; it goes on from its newest checkpoint.")
    return announce(run)


@transaction.atomic
def take_controls(run_id: str, attempt: int) -> list[dict[str, Any]]:
    """The lines the engine of `attempt` has not been given yet, in order; each is handed out once. Raises Fenced."""
    waiting = ControlMessage.objects.filter(run_id=run_id, taken_at=None)
    if not waiting.exists():
        return []
    locked(run_id, attempt)
    messages = list(waiting.order_by("id"))
    ControlMessage.objects.filter(id__in=[m.id for m in messages]).update(taken_at=Now(), taken_by=attempt)
    return [message.body for message in messages]
