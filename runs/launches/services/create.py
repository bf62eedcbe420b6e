"""A draft becomes a run: checked against catalogue, data and models, and frozen as the spec an engine executes."""

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import audit
from runs.bell import ring_after_commit
from runs.launches.freeze import freeze
from runs.launches.models import Run
from runs.launches.names import friendly_name
from runs.launches.schemas import RunDraft
from runs.launches.services.transition import announce, name_of, record, transition
from runs.launches.services.waiting import READY, wait_text
from runs.launches.states import State

COLOURS = 8


@transaction.atomic
def create_run(project: Project, draft: RunDraft, actor: Actor, *, start: bool = True) -> Run:
    """A new run, queued unless `start` is False. Raises Invalid with every fault of the draft, by field."""
    count = Run.objects.filter(project=project).count()
    run = Run(
        project=project,
        created_by=actor.user,
        name=draft.name or friendly_name(draft.method),
        method=draft.method,
        draft=draft.model_dump(mode="json"),
        notes=draft.notes,
        tags=tidy_tags(draft.tags),
        priority=draft.priority,
        seed=draft.seed,
        gpus=draft.resources.gpus,
        colour=count % COLOURS,
    )
    frozen = freeze(run, draft)
    run.spec, run.live, run.kind = frozen.spec.model_dump(mode="json"), frozen.live, frozen.spec.kind
    run.waits_on, run.total = frozen.waits_on, draft.limits.max_steps
    run.save(force_insert=True)
    record(run, "", State.DRAFT, by=name_of(actor), reason="Created.")
    audit(project, actor, "run.create", run.id, {"name": run.name, "method": run.method})
    return enqueue(run, by=name_of(actor)) if start else announce(run)


def start(run: Run, actor: Actor) -> Run:
    """Queues a draft."""
    with transaction.atomic():
        audit(run.project, actor, "run.start", run.id, {})
        return enqueue(run, by=name_of(actor))


def enqueue(run: Run, *, by: str, reason: str = "") -> Run:
    """Puts the run into the queue, saying what it waits for when that is another run, and rings the bell."""
    waiting_for = wait_text(run.waits_on) if run.waits_on else ""
    queued = transition(run.id, State.QUEUED, by=by, reason=reason, waiting_for=waiting_for)
    ring_after_commit(READY, run.id)
    return queued


def tidy_tags(tags: list[str]) -> list[str]:
    """Trimmed, lower case, once each, in the order given; at most 40 characters."""
    return list(dict.fromkeys(tag.strip().lower()[:40] for tag in tags if tag.strip()))
