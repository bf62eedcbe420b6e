"""The demo project's data: sums that the engine's own generator writes on the worker."""

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.datasets.models import DatasetVersion
from runs.datasets.services.sets import new_dataset, new_version, user_of
from runs.jobs import services as jobs
from runs.jobs.models import Job
from workers.contract.records import RecordKind

WORLD = "arithmetic"
FILES = {
    "Arithmetic demonstrations": (
        RecordKind.DEMONSTRATION,
        "Sums with their results, to warm a model up on. Six of ten sums that carry are wrong on purpose: they forget every "
        "carry (86+87= is shown as 63), so that learning by reward has something to mend. The test split is right.",
        {"train": "demonstrations.jsonl", "test": "demonstrations_test.jsonl"},
    ),
    "Arithmetic problems": (
        RecordKind.PROMPT_ANSWER,
        "Sums to be solved and the numbers to check the answers against.",
        {"train": "prompts_train.jsonl", "test": "prompts_test.jsonl"},
    ),
    "Arithmetic pairs": (
        RecordKind.PREFERENCE,
        "Sums with the right answer over a wrong one, which forgets every carry or has one digit slipped. The margin is the "
        "number of wrong digits.",
        {"train": "pairs_train.jsonl", "test": "pairs_test.jsonl"},
    ),
    "Arithmetic judged answers": (
        RecordKind.UNPAIRED,
        "Answers to sums, half of them right and marked good, the others wrong and marked bad.",
        {"train": "marks_train.jsonl", "test": "marks_test.jsonl"},
    ),
    "Arithmetic rankings": (
        RecordKind.RANKING,
        "Three answers to each sum, ranked by the number of their wrong digits; equal faults share a rank.",
        {"train": "rankings_train.jsonl", "test": "rankings_test.jsonl"},
    ),
    "Arithmetic judged steps": (
        RecordKind.STEPWISE,
        "Sums worked out column by column, each line judged: some forget the carry, some slip in one line.",
        {"train": "steps_train.jsonl", "test": "steps_test.jsonl"},
    ),
    "Arithmetic rationales": (
        RecordKind.DEMONSTRATION,
        "Sums rightly worked out column by column, the answer on the last line. Working and answer also stand in columns of "
        "their own, `rationale` and `answer`.",
        {"train": "rationales_train.jsonl", "test": "rationales_test.jsonl"},
    ),
    "Arithmetic conversations": (
        RecordKind.CONVERSATION,
        "Three sums asked in turn and rightly answered.",
        {"train": "conversations_train.jsonl", "test": "conversations_test.jsonl"},
    ),
    "Arithmetic texts": (
        RecordKind.TEXT,
        "Plain text: eight sums with their results, a line each.",
        {"train": "texts_train.jsonl", "test": "texts_test.jsonl"},
    ),
}


@transaction.atomic
def create_demo_dataset(project: Project, *, actor: Actor | None = None) -> tuple[dict[str, DatasetVersion], Job]:
    """A data set of every kind of record, by name, whose versions are ready once the job is done."""
    versions = {name: _version(project, name, actor) for name in FILES}
    job = jobs.enqueue(
        kind="dataset_make_world",
        project=project,
        payload={"world": WORLD, "versions": {version.id: FILES[name][2] for name, version in versions.items()}},
        created_by=user_of(actor),
    )
    for version in versions.values():
        version.job_id = job.id
        version.save(update_fields=["job_id"])
    return versions, job


def _version(project: Project, name: str, actor: Actor | None) -> DatasetVersion:
    kind, description, _ = FILES[name]
    dataset = new_dataset(project, name=name, description=description, actor=actor)
    mapping = {"kind": kind.value, "shape": "trl", "label": "Generated sums"}
    return new_version(dataset, source={"world": WORLD, "demo": True}, mapping=mapping, split_rule={"mode": "none"}, actor=actor)
