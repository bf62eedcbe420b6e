"""The demo project's data: sums that the engine's own generator writes on the worker, as records of every kind."""

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.datasets.models import DatasetVersion
from runs.datasets.services.sets import new_dataset, new_version, user_of
from runs.jobs import services as jobs
from runs.jobs.models import Job
from workers.contract.catalogue import WorldPart, load_catalogue

WORLD = "arithmetic"


@transaction.atomic
def create_demo_dataset(project: Project, *, actor: Actor | None = None) -> tuple[dict[str, DatasetVersion], Job]:
    """A data set of every kind of record, by name, whose versions are ready once the job is done."""
    world = load_catalogue().world(WORLD)
    versions = {f"{world.title} {part.title}": (part, _version(project, world.title, part, actor)) for part in world.parts}
    job = jobs.enqueue(
        kind="dataset_make_world",
        project=project,
        payload={"world": WORLD, "versions": {version.id: part.splits for part, version in versions.values()}},
        created_by=user_of(actor),
    )
    for _, version in versions.values():
        version.job_id = job.id
        version.save(update_fields=["job_id"])
    return {name: version for name, (_, version) in versions.items()}, job


def _version(project: Project, world: str, part: WorldPart, actor: Actor | None) -> DatasetVersion:
    dataset = new_dataset(project, name=f"{world} {part.title}", description=part.summary, actor=actor)
    mapping = {"kind": part.kind.value, "shape": "trl", "label": "Generated sums"}
    source = {"world": WORLD, "part": part.name, "demo": True}
    return new_version(dataset, source=source, mapping=mapping, split_rule={"mode": "none"}, actor=actor)
