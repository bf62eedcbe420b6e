"""What the engine said, kept on the run's row: called with each batch of events in the transaction that logs them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from runs.launches.models import Artifact, Attempt, Checkpoint, Run
from runs.launches.services.finish import fail
from runs.launches.services.recovery import RETRYABLE
from runs.launches.services.transition import announce, locked, transition
from runs.launches.services.waiting import release_waiting
from runs.launches.states import FINAL, State
from runs.leases import Desired
from runs.library.services import register_from_run
from runs.problems import Problem
from workers.contract.events import (
    ArtifactEvent,
    ChangeEvent,
    CheckpointEvent,
    DoneEvent,
    EventBase,
    FailedEvent,
    LogEvent,
    MetricsEvent,
    ProgressEvent,
    StatusEvent,
)
from workers.contract.products import ProductKind

ENGINE = "engine"
MAX_SUMMARY_METRICS = 100


@dataclass
class Digest:
    """A batch boiled down: new values of columns, the last named state, and the events that need a row of their own."""

    changes: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    live: dict[str, float | None] = field(default_factory=dict)
    states: list[StatusEvent] = field(default_factory=list)
    products: list[CheckpointEvent | ArtifactEvent] = field(default_factory=list)
    end: DoneEvent | FailedEvent | None = None


def digest(events: Sequence[EventBase]) -> Digest:
    """Pure: what a batch means for the row. Metrics of the machine (`system/…`) stay out of the summary."""
    out = Digest()
    for event in events:
        match event:
            case StatusEvent():
                out.changes["doing"] = event.doing[:200]
                out.states.append(event)
            case ProgressEvent():
                out.changes |= {"step": event.step, "eta_seconds": event.eta_seconds, "tokens": event.tokens}
                out.changes |= {"total": event.total} if event.total is not None else {}
            case MetricsEvent():
                out.metrics |= {name: value for name, value in event.values.items() if not name.startswith("system/")}
            case ChangeEvent():
                out.live[event.field] = event.new
            case CheckpointEvent() | ArtifactEvent():
                out.products.append(event)
            case DoneEvent() | FailedEvent():
                out.end = event
    return out


@transaction.atomic(savepoint=False)
def observe(run: Run, attempt: int, events: Sequence[EventBase]) -> Run:
    """Keeps on the row what `events` say, registers checkpoints and products, moves the state.

    `run` is the row as the caller locked it in this very transaction, for `attempt`; its step follows the events.
    """
    seen = digest(events)
    _keep(run, seen)
    for product in seen.products:
        _register(run, attempt, product)
    for status in seen.states:
        run = _follow(run, status)
    if seen.end is not None:
        return _finish(run, attempt, seen.end)
    return announce(run)


@transaction.atomic
def start_attempt(run_id: str, attempt: int, *, resumed_from: str, libraries: dict[str, str]) -> Run:
    """Notes what an attempt starts from and computes with; the first attempt's libraries join the spec. Raises Fenced."""
    run = locked(run_id, attempt)
    Attempt.objects.filter(run=run, number=attempt).update(resumed_from=resumed_from, libraries=libraries)
    if attempt == 1 and run.spec:
        run.spec["provenance"]["libraries"] |= libraries
        run.save(update_fields=["spec"])
    return run


def _keep(run: Run, seen: Digest) -> None:
    changes = seen.changes | {"last_event_at": Now()}
    if seen.metrics:
        merged = run.metrics | seen.metrics
        changes["metrics"] = dict(list(merged.items())[:MAX_SUMMARY_METRICS])
    if seen.live:
        changes["live"] = run.live | seen.live
    Run.objects.filter(id=run.id).update(**changes)
    run.step = changes.get("step", run.step)


def _follow(run: Run, status: StatusEvent) -> Run:
    """The named moments of the engine that are states of the run."""
    to = {"running": State.RUNNING, "paused": State.PAUSED}.get(status.state)
    if to is None or run.state == to or run.state in FINAL:
        return run
    return transition(run.id, to, by=ENGINE, reason=status.doing, said_by_engine=True)


def _finish(run: Run, attempt: int, end: DoneEvent | FailedEvent) -> Run:
    """The engine's last word. A cause that may be retried only waits for the process to be gone (see finish)."""
    run.refresh_from_db()
    if isinstance(end, FailedEvent):
        Attempt.objects.filter(run=run, number=attempt).update(failure=end.model_dump(exclude={"seq", "time", "type"}))
    if run.state in FINAL:
        return announce(run)
    if run.desired == Desired.CANCEL:
        return transition(run.id, State.CANCELLED, by=ENGINE, reason="Cancelled.", said_by_engine=True)
    if isinstance(end, FailedEvent):
        return announce(run) if end.code in RETRYABLE else fail(run, end, by=ENGINE, said_by_engine=True)
    reason = {"finished": "Finished.", "limit": f"Reached a limit: {end.detail}", "stopped": "Stopped when asked."}[end.reason]
    ended = transition(run.id, State.SUCCEEDED, by=ENGINE, reason=reason, said_by_engine=True)
    release_waiting(ended)
    return ended


def _register(run: Run, attempt: int, product: CheckpointEvent | ArtifactEvent) -> None:
    """Takes a product into the books, when it lies below the attempt's own directory."""
    home = Path(settings.HOME) / "runs" / run.id
    if not Path(product.path).resolve().is_relative_to(home.resolve()):
        announce(run, LogEvent(level="error", message=f"Ignored a {product.type} outside the run's directory: {product.path}"))
    elif isinstance(product, CheckpointEvent):
        facts = product.model_dump(include={"path", "manifest_hash", "size_bytes", "reason", "metrics"})
        Checkpoint.objects.update_or_create(run=run, attempt=attempt, step=product.step, defaults=facts | {"verified": None})
    elif product.kind in (ProductKind.MODEL, ProductKind.REWARD_MODEL):
        _take_model(run, product)
    else:
        facts = product.model_dump(include={"kind", "manifest_hash", "size_bytes"})
        Artifact.objects.update_or_create(run=run, attempt=attempt, path=product.path, defaults=facts)


def _take_model(run: Run, product: ArtifactEvent) -> None:
    """The run's final model joins the library."""
    try:
        with transaction.atomic():
            model = register_from_run(run.project, run_id=run.id, name=run.name, path=product.path, step=run.step)
    except (Problem, OSError) as error:
        why = error.detail if isinstance(error, Problem) else f"{error}."
        announce(run, LogEvent(level="error", message=f"The final model was not registered. {why}"))
        return
    Run.objects.filter(id=run.id).update(final_model_id=model.id)
