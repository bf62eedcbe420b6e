"""A draft becomes a frozen run, or every fault of it is told by its field."""

from typing import Any

import pytest
from django.utils import timezone

from runs.accounts.models import AuditEntry, Project
from runs.datasets.models import Dataset
from runs.jobs import services as jobs
from runs.jobs.models import Job
from runs.launches import services
from runs.launches.models import Checkpoint, Run
from runs.launches.states import State
from runs.library.models import LibraryModel
from runs.problems import Invalid
from runs.telemetry.services import ingest
from tests.launches.builders import draft_of, make_actor, make_model, make_project, make_run, make_version
from workers.contract.events import ArtifactEvent, DoneEvent
from workers.contract.run_spec import RunSpec


@pytest.fixture
def project(db: None) -> Project:
    return make_project(make_actor())


def launch(project: Project, **values: Any) -> Run:
    return services.create_run(project, draft_of(project, **values), make_actor())


def faults_of(project: Project, **values: Any) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        launch(project, **values)
    assert Run.objects.count() == 0
    return sorted(error.field for error in refusal.value.errors)


def test_the_spec_is_frozen_with_every_default_and_where_it_came_from(project: Project) -> None:
    run = launch(project, seed=7)
    spec = RunSpec.model_validate(run.spec)
    assert (spec.run_id, spec.seed, spec.datasets["train"].rows) == (run.id, 7, 100)
    assert len(spec.config) > 5
    assert {"python", "lodestar"} <= spec.provenance.libraries.keys()
    assert run.live["learning_rate"] == spec.config["learning_rate"]
    assert AuditEntry.objects.filter(action="run.create", subject_id=run.id).exists()


def test_a_run_is_queued_named_and_coloured(project: Project) -> None:
    runs = [launch(project) for _ in range(9)]
    assert {run.state for run in runs} == {"queued"}
    assert [run.colour for run in runs] == [0, 1, 2, 3, 4, 5, 6, 7, 0]
    assert all(run.name.startswith(f"{run.method}-") for run in runs)


def test_a_draft_waits_until_it_is_started(project: Project) -> None:
    run = services.create_run(project, draft_of(project), make_actor(), start=False)
    assert run.state == "draft"
    assert services.start(run, make_actor()).state == "queued"


def test_all_faults_are_told_at_once(project: Project) -> None:
    values = {"config": {"learning_rate": -1, "no_such_key": 1}, "models": {}, "datasets": {"train": {"version_id": "dsv_x"}}}
    fields = faults_of(project, **values)
    assert "models.policy" in fields
    assert "datasets.train" in fields
    assert any(field.startswith("config") for field in fields)


def test_an_unknown_method_is_refused(project: Project) -> None:
    assert faults_of(project, method="alchemy") == ["method"]


def test_a_deleted_data_set_is_refused(project: Project) -> None:
    version = make_version(project)
    Dataset.objects.update(deleted_at=timezone.now())
    assert faults_of(project, datasets={"train": {"version_id": version.id}}) == ["datasets.train"]


def test_a_data_set_of_another_project_is_refused(project: Project) -> None:
    version = make_version(make_project(make_actor("eve@example.org")))
    assert faults_of(project, datasets={"train": {"version_id": version.id}}) == ["datasets.train"]


def test_rows_of_the_wrong_kind_are_refused(project: Project) -> None:
    version = make_version(project, kind="ranking")
    assert faults_of(project, datasets={"train": {"version_id": version.id}}) == ["datasets.train"]


def test_a_method_that_learns_from_rewards_needs_one(project: Project) -> None:
    assert faults_of(project, method="grpo", config={}) == ["reward"]


def test_roles_the_method_does_not_have_are_refused(project: Project) -> None:
    policy = make_model(project).id
    assert faults_of(project, models={"policy": policy, "butler": policy}) == ["models.butler"]


def test_a_run_waits_for_the_final_model_of_another(project: Project, settings: Any) -> None:
    first = launch(project)
    second = launch(project, models={"policy": first.id})
    assert second.waiting_for == f"the final model of {first.name}"
    assert services.claim(second.id, owner="a") is None
    services.claim(first.id, owner="a")
    path = settings.HOME / "runs" / first.id / "attempt-0001" / "final"
    path.mkdir(parents=True)
    ingest(first.id, 1, [ArtifactEvent(seq=1, kind="model", path=str(path)), DoneEvent(seq=2, step=3)])
    inspect(first.id)
    second.refresh_from_db()
    assert (second.waits_on, second.waiting_for) == (None, "")
    own = settings.HOME / "models" / Run.objects.get(id=first.id).final_model_id
    assert second.spec["models"]["policy"]["path"] == str(own)
    assert services.claim(second.id, owner="a") == 1


def inspect(run_id: str) -> None:
    """What the worker's inspection of the run's final model ends with."""
    job = Job.objects.get(kind="model_inspect", subject_id=Run.objects.get(id=run_id).final_model_id)
    attempt = jobs.claim(job.id, owner="a")
    assert attempt is not None
    jobs.succeed(job.id, attempt, {"parameters": 1_000_000})


@pytest.mark.parametrize(("state", "word"), [(State.FAILED, "failed"), (State.CANCELLED, "was cancelled")])
def test_who_waits_in_vain_is_told_why(project: Project, state: State, word: str) -> None:
    first = make_run(project=project, state=state)
    assert word in launch(project, models={"policy": first.id}).waiting_for


def test_a_checkpoint_is_a_model_as_long_as_its_files_are_there(project: Project, settings: Any) -> None:
    trained = launch(project)
    place = settings.HOME / "runs" / trained.id / "step-00000001"
    held = Checkpoint.objects.create(run=trained, attempt=1, step=1, path=str(place), size_bytes=1, reason="asked")
    assert refused_as_policy(project, held.id) == ["models.policy"]
    place.mkdir(parents=True)
    (place / "manifest.json").write_text("{}")
    ref = RunSpec.model_validate(launch(project, models={"policy": held.id}).spec).models["policy"]
    assert (ref.path, ref.adapter_path) == (str(place / "policy"), None)
    (place / "policy").mkdir()
    (place / "policy" / "adapter_config.json").write_text("{}")
    ref = RunSpec.model_validate(launch(project, models={"policy": held.id}).spec).models["policy"]
    assert (ref.path, ref.adapter_path) == (trained.spec["models"]["policy"]["path"], str(place / "policy"))


def test_a_reward_model_is_no_policy(project: Project) -> None:
    model = make_model(project)
    LibraryModel.objects.filter(id=model.id).update(kind="reward")
    assert refused_as_policy(project, model.id) == ["models.policy"]


def refused_as_policy(project: Project, model_id: str) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        launch(project, models={"policy": model_id})
    return [error.field for error in refusal.value.errors]


def test_a_product_outside_the_run_s_directory_is_not_taken(project: Project) -> None:
    run = launch(project)
    services.claim(run.id, owner="a")
    ingest(run.id, 1, [ArtifactEvent(seq=1, kind="model", path=f"/etc/../runs/{run.id}")])
    assert Run.objects.get().final_model_id == ""
