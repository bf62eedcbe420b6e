"""The demo project: a tiny model and generated sums, and two runs that teach it to add, warm-up first, then GRPO."""

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
    versions = DatasetVersion.objects.filter(dataset__project=project, source__has_key="world")
    return (
        model is not None
        and model.state == ModelState.READY
        and all(version.state == VersionState.READY for version in versions)
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
    return RunDraft.model_validate(
        {
            "name": "demo: warm-up",
            "method": "sft-instruct",
            "config": _preset("sft-instruct"),
            "models": {"policy": model.id},
            "datasets": {
                "train": _rows(project, "demonstration", "train"),
                "eval": _rows(project, "demonstration", "test"),
            },
            "tags": TAGS,
        }
    )


def _grpo(project: Project, warm_up: Run) -> RunDraft:
    return RunDraft.model_validate(
        {
            "name": "demo: GRPO",
            "method": "grpo",
            "config": _preset("grpo"),
            "models": {"policy": warm_up.id},
            "datasets": {
                "train": _rows(project, "prompt_answer", "train"),
                "eval": _rows(project, "prompt_answer", "test"),
            },
            "reward": {"terms": [{"name": "correct", "kind": "numeric_match", "weight": 1.0}]},
            "tags": TAGS,
        }
    )


def _rows(project: Project, kind: str, split: str) -> dict[str, str]:
    version = DatasetVersion.objects.filter(dataset__project=project, source__has_key="world", kind=kind).latest("created_at")
    return {"version_id": version.id, "split": split}


def _preset(method: str) -> dict[str, object]:
    """The catalogue's settings for this world; `tests/server/test_demo.py` holds that both methods have them."""
    return next(preset.config for preset in load_catalogue().method(method).presets if preset.name == "demo")
