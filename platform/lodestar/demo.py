"""The demo project: a tiny model and generated sums, and two runs that teach it to add, warm-up first, then GRPO."""

from typing import Any

from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.services import create_project
from runs.datasets.models import DatasetVersion, VersionState
from runs.datasets.services.demo import create_demo_dataset
from runs.launches.models import Run
from runs.launches.schemas import RunDraft
from runs.launches.services import create_run
from runs.library.models import LibraryModel, ModelSource, ModelState
from runs.library.services import create_demo_model
from runs.problems import Conflict
from workers.contract.catalogue import load_catalogue

NAME = "Arithmetic demo"
DESCRIPTION = "A model of a million parameters learns to add: supervised warm-up, then GRPO with a verifiable reward."
TAGS = ["demo"]


@transaction.atomic
def seed(actor: Actor) -> Project:
    """The project with its model and data, which a worker makes within seconds of its start."""
    project = create_project(actor, name=NAME, description=DESCRIPTION, is_demo=True)
    create_demo_model(project, actor=actor)
    create_demo_dataset(project, actor=actor)
    return project


def is_ready(project: Project) -> bool:
    """Whether a worker has made the model and the data."""
    model = LibraryModel.objects.filter(project=project, source=ModelSource.DEMO).first()
    versions = [_made(project, kind) for kind in ("demonstration", "prompt_answer")]
    return (
        model is not None
        and model.state == ModelState.READY
        and all(version is not None and version.state == VersionState.READY for version in versions)
    )


@transaction.atomic
def launch(project: Project, actor: Actor) -> list[Run]:
    """Queues the two runs; the second waits for the first one's model. Raises Conflict while model or data are made."""
    if not is_ready(project):
        raise Conflict("demo_not_ready", "A worker is still making the demo's model and data. Retry in half a minute.")
    model = LibraryModel.objects.filter(project=project, source=ModelSource.DEMO).latest("created_at")
    warm_up = create_run(project, _warm_up(project, model), actor)
    return [warm_up, create_run(project, _grpo(project, warm_up), actor)]


def _warm_up(project: Project, model: LibraryModel) -> RunDraft:
    return _draft(project, "warm-up", "sft-instruct", policy=model.id, kind="demonstration")


def _grpo(project: Project, warm_up: Run) -> RunDraft:
    reward = {"terms": [{"name": "correct", "kind": "numeric_match", "weight": 1.0}]}
    return _draft(project, "GRPO", "grpo", policy=warm_up.id, kind="prompt_answer", reward=reward)


def _draft(project: Project, name: str, method: str, *, policy: str, kind: str, **more: Any) -> RunDraft:
    """A run of the method's preset for this world, on rows of one kind."""
    return RunDraft.model_validate(
        {
            "name": f"demo: {name}",
            "method": method,
            "config": _preset(method),
            "models": {"policy": policy},
            "datasets": {"train": _rows(project, kind, "train"), "eval": _rows(project, kind, "test")},
            "tags": TAGS,
            **more,
        }
    )


def _rows(project: Project, kind: str, split: str) -> dict[str, str]:
    version = _made(project, kind)
    assert version is not None, "is_ready asks for it first"
    return {"version_id": version.id, "split": split}


def _made(project: Project, kind: str) -> DatasetVersion | None:
    """The project's first version of generated rows of a kind: the plain sums, made before anything that people add."""
    made = DatasetVersion.objects.filter(dataset__project=project, source__has_key="world", kind=kind)
    return made.order_by("created_at", "id").first()


def _preset(method: str) -> dict[str, object]:
    """The catalogue's settings for this world; `tests/server/test_demo.py` holds that both methods have them."""
    return next(preset.config for preset in load_catalogue().method(method).presets if preset.name == "demo")
