"""The states of a run and every legal change between them, as data."""

from django.db import models


class State(models.TextChoices):
    DRAFT = "draft"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.QUEUED, State.CANCELLED}),
    State.QUEUED: frozenset({State.STARTING, State.FAILED, State.CANCELLED}),
    # An executor that was lost while it held the run hands it back (queued) or to a successor (starting).
    State.STARTING: frozenset(
        {State.STARTING, State.RUNNING, State.PAUSED, State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED}
    ),
    State.RUNNING: frozenset(
        {State.STARTING, State.PAUSED, State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED}
    ),
    # A paused run keeps its executor while that lives; without one it waits, and resuming queues it.
    State.PAUSED: frozenset(
        {State.STARTING, State.RUNNING, State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED}
    ),
    State.SUCCEEDED: frozenset(),
    # A person may try again; the run goes on from its newest checkpoint.
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
}

HELD = (State.STARTING, State.RUNNING, State.PAUSED)
"""Somebody executes, or did until the lease passed."""
FINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

CONTROLS: dict[str, frozenset[State]] = {
    "pause": frozenset({State.STARTING, State.RUNNING}),
    "resume": frozenset({State.STARTING, State.RUNNING, State.PAUSED}),
    "stop": frozenset({State.STARTING, State.RUNNING, State.PAUSED}),
    "cancel": frozenset({State.DRAFT, State.QUEUED, State.STARTING, State.RUNNING, State.PAUSED}),
    "checkpoint": frozenset({State.STARTING, State.RUNNING, State.PAUSED}),
    "set": frozenset({State.STARTING, State.RUNNING, State.PAUSED}),
    "sample": frozenset({State.STARTING, State.RUNNING, State.PAUSED}),
}
"""In which states a person may give which control."""
