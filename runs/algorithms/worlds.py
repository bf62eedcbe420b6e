"""Generated worlds as data: knobs are checked against the catalogue, and a worker makes the rows."""

from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.algorithms.schemas import WorldIn, WorldPreviewIn
from runs.algorithms.selectors import catalogue
from runs.algorithms.validation import complete
from runs.datasets.models import DatasetVersion
from runs.datasets.services import new_dataset, read_in
from runs.datasets.shapes.mapping import Mapping
from runs.jobs import services as jobs
from runs.jobs.models import Job
from runs.problems import FieldError, Invalid, NotFound
from workers.contract.catalogue import WorldCard, WorldPart

PREVIEW = "world_preview"


def world_card(name: str) -> WorldCard:
    """Raises NotFound."""
    try:
        return catalogue().world(name)
    except KeyError:
        raise NotFound(f"No world is called “{name}”. Pick one from the catalogue.") from None


def ask_preview(project: Project, actor: Actor, world: str, body: WorldPreviewIn) -> Job:
    """A job whose result holds the first rows. Raises Invalid with an error for each field."""
    card, part, knobs = _checked(world, body)
    return jobs.enqueue(
        kind=PREVIEW, project=project, payload={"world": card.name, "knobs": knobs, "files": part.splits}, created_by=actor.user
    )


@transaction.atomic
def create_world_dataset(project: Project, actor: Actor, world: str, body: WorldIn) -> tuple[DatasetVersion, Job]:
    """A data set with its first version and the job that makes it. Raises Invalid with an error for each field."""
    card, part, knobs = _checked(world, body)
    dataset = new_dataset(project, name=body.name, description=body.description or part.summary, actor=actor)
    return read_in(
        dataset,
        source={"world": card.name, "part": part.name, "knobs": knobs, "files": part.splits},
        mapping=Mapping(kind=part.kind, shape="trl", label=f"Generated: {card.title}, {part.title}"),
        split_rule={"mode": "none"},
        actor=actor,
    )


def _checked(world: str, body: WorldPreviewIn) -> tuple[WorldCard, WorldPart, dict[str, Any]]:
    card = world_card(world)
    part = next((each for each in card.parts if each.name == body.part), None)
    if part is None:
        names = ", ".join(each.name for each in card.parts)
        message = f"{card.title} has no part “{body.part}”. Choose one of {names}."
        raise Invalid(message, [FieldError("part", message)])
    knobs, errors = complete(card.knobs_schema, body.knobs)
    if errors:
        raise Invalid(errors[0].message, [FieldError(f"knobs.{error.field}".rstrip("."), error.message) for error in errors])
    return card, part, knobs
