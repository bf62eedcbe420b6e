"""Rows of the log page and of the rollout list, made from events as they are kept."""

from collections.abc import Iterator, Sequence

from runs.launches.models import Run
from runs.telemetry.lines import slim, wire_json
from runs.telemetry.models import Level, LogLine, Rollout
from workers.contract.events import (
    AlertEvent,
    ChangeEvent,
    CheckpointEvent,
    DoneEvent,
    EvaluationEvent,
    Event,
    FailedEvent,
    LogEvent,
    MetricsEvent,
    ProgressEvent,
    RolloutEvent,
)

ALERT_LEVELS = {"info": Level.INFO, "warning": Level.WARNING, "critical": Level.ERROR}
MAX_MESSAGE = 20_000


def keep_records(run: Run, attempt: int, first_cursor: int, events: Sequence[Event]) -> None:
    """Call it in the transaction that keeps the events, which got the cursors from `first_cursor` on."""
    LogLine.objects.bulk_create(list(_log_lines(run, first_cursor, events)), batch_size=500)
    Rollout.objects.bulk_create(list(_rollouts(run, attempt, first_cursor, events)), batch_size=100)


def _log_lines(run: Run, first_cursor: int, events: Sequence[Event]) -> Iterator[LogLine]:
    step: int | None = run.step or None
    for cursor, event in enumerate(events, first_cursor):
        if isinstance(event, MetricsEvent | ProgressEvent):
            step = event.step
        elif said := _said(event):
            level, message = said
            yield LogLine(
                run=run, cursor=cursor, time=event.time, level=level, message=message[:MAX_MESSAGE].replace("\x00", "\ufffd"),
                step=at if (at := getattr(event, "step", None)) is not None else step,
            )


def _said(event: Event) -> tuple[Level, str] | None:
    """What the log page says of an event; None when it is no matter for the log page."""
    said: tuple[Level, str] | None = None
    match event:
        case LogEvent():
            said = Level[event.level.upper()], event.message
        case AlertEvent():
            said = ALERT_LEVELS[event.level], event.message
        case FailedEvent():
            said = Level.ERROR, f"{event.message} {event.remedy}".strip()
        case ChangeEvent():
            said = Level.INFO, f"{event.field}: {event.old} → {event.new}" + (f" ({event.by})" if event.by else "")
        case CheckpointEvent():
            said = Level.INFO, f"Checkpoint at step {event.step}, {event.size_bytes / 2**20:.1f} MiB ({event.reason})."
        case EvaluationEvent():
            said = Level.INFO, f"Evaluation {event.suite} at step {event.step}: {_measured(event.values)}."
        case DoneEvent():
            said = Level.INFO, f"Done ({event.reason}) at step {event.step}. {event.detail}".strip()
    return said


def _measured(values: dict[str, float | None]) -> str:
    found = (f"{name} {'is not a number' if value is None else format(value, '.4g')}" for name, value in values.items())
    return ", ".join(found) or "nothing to measure"


def _rollouts(run: Run, attempt: int, first_cursor: int, events: Sequence[Event]) -> Iterator[Rollout]:
    for cursor, event in enumerate(events, first_cursor):
        if isinstance(event, RolloutEvent):
            body = slim(wire_json(event)).decode()
            yield Rollout(run=run, attempt=attempt, cursor=cursor, step=event.step, reward=mean_reward(event), body=body)


def mean_reward(event: RolloutEvent) -> float | None:
    """Mean over the answers that have a finite reward; None when none has."""
    rewards = [answer.reward for answer in event.answers if answer.reward is not None and abs(answer.reward) < float("inf")]
    return sum(rewards) / len(rewards) if rewards else None
