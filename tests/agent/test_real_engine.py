"""The real engine under a real supervisor: a launch to its end, a kill in the middle, a change while it runs."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from runs.accounts.models import Project
from runs.launches import services
from runs.launches.models import Attempt, Checkpoint, Run
from runs.launches.schemas import ControlIn
from runs.telemetry.selectors import events_after
from tests.agent.watching import engine_of, state_of, steps_of, until
from tests.launches.builders import draft_of, make_actor, make_model, make_project, make_version
from workers.agent.processes import child_environment

pytestmark = pytest.mark.slow
Launch = Callable[..., Run]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's own tiny model."""
    place = tmp_path_factory.mktemp("models") / "tiny"
    command = [sys.executable, "-m", "workers.engine", "make-tiny", str(place)]
    subprocess.run(command, check=True, env=child_environment(), capture_output=True)
    return place


@pytest.fixture
def launch(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Launches a supervised run on sums, through the same service as the API."""
    monkeypatch.delenv("LODESTAR_ENGINE_COMMAND")
    project = make_project(make_actor())
    model = make_model(project, path=str(tiny))

    def start(*, padding: str = "", **config: Any) -> Run:
        data = {"train": {"version_id": make_sums(project, home, padding=padding), "split": "train"}}
        settings = {"max_steps": 30, "save_steps": 5, "logging_steps": 1, **config}
        resources = {"threads": 1}
        draft = draft_of(project, config=settings, models={"policy": model.id}, datasets=data, resources=resources)
        return services.create_run(project, draft, make_actor())

    yield start
    shutil.rmtree(home / "runs", ignore_errors=True)


def make_sums(project: Project, home: Path, *, padding: str = "") -> str:
    """A version whose files are as workers.contract.records describes them; `padding` goes before each prompt."""
    version = make_version(project)
    place = home / "datasets" / version.dataset_id / version.id
    place.mkdir(parents=True)
    rows = [json.dumps({"prompt": f"{padding}{i % 10}+{i % 7}=", "completion": str(i % 10 + i % 7)}) + "\n" for i in range(100)]
    offsets = [sum(map(len, rows[:start])) for start in (0, 64, 100)]
    (place / "train.jsonl").write_text("".join(rows))
    (place / "train.index").write_bytes(struct.pack("<3Q", *offsets))
    return version.id


def events_of(run: Run) -> list[dict[str, Any]]:
    return [orjson.loads(item) for item in events_after(run.id, 0, limit=10_000).items]


def losses_of(run: Run) -> dict[int, float]:
    """Step to loss, the later attempt's where two have it."""
    events = [item["event"] for item in events_of(run)]
    return {event["step"]: event["values"]["loss"] for event in events if "loss" in event.get("values", {})}


def test_a_launch_ends_with_a_model_and_its_whole_curve(launch: Launch, supervise: Any) -> None:
    run = launch(max_steps=10)
    assert supervise(run).wait(120) == 0
    run.refresh_from_db()
    assert (run.state, run.step, run.failure) == ("succeeded", 10, None)
    assert run.final_model_id.startswith("mdl_")
    assert sorted(losses_of(run)) == list(range(1, 11))
    assert "torch" in run.spec["provenance"]["libraries"]


def test_a_run_killed_in_the_middle_goes_on_to_the_same_curve(launch: Launch, supervise: Any) -> None:
    straight, broken = launch(), launch()
    supervise(straight).wait(120)
    process = supervise(broken)
    until(lambda: Checkpoint.objects.filter(run=broken, step__gte=10).exists(), 60)
    engine_of(broken).kill()
    process.wait(20)
    if state_of(broken) == "queued":
        supervise(broken).wait(120)
        assert Attempt.objects.get(run=broken, number=2).resumed_from
    assert state_of(broken) == "succeeded"
    assert losses_of(broken) == losses_of(straight)


def test_a_learning_rate_set_while_paused_holds_from_then_on(launch: Launch, supervise: Any) -> None:
    run = launch(max_steps=2000, lr_scheduler_type="constant", warmup_ratio=0.0)
    process = supervise(run)
    until(lambda: steps_of(run) > 2, 60)
    ask(run, "pause")
    until(lambda: state_of(run) == "paused")
    ask(run, "set", field="learning_rate", value=1e-6)
    ask(run, "resume")
    until(lambda: Run.objects.get(id=run.id).metrics.get("learning_rate") == 1e-6)
    ask(run, "stop")
    assert process.wait(60) == 0
    run.refresh_from_db()
    assert (run.state, run.live["learning_rate"]) == ("succeeded", 1e-6)
    assert Checkpoint.objects.filter(run=run, step=run.step).count() == 1


def ask(run: Run, kind: str, **values: Any) -> None:
    services.request_control(run, ControlIn.model_validate({"type": kind, **values}), make_actor())


def answer_of(run: Run) -> dict[str, Any]:
    """The run as its page reads it."""
    client = Client()
    client.force_login(make_actor().user)
    found: dict[str, Any] = client.get(f"/api/v1/runs/{run.id}").json()
    return found


def test_prompts_longer_than_the_context_end_the_run_with_a_sentence_on_its_page(launch: Launch, supervise: Any) -> None:
    run = launch(padding="9" * 5000)
    assert supervise(run).wait(60) == 0
    said = answer_of(run)
    assert (said["state"], said["failure"]["code"]) == ("failed", "data")
    assert said["failure"]["message"] == "No row of the data set gives anything to train on."
    assert "maximum length leaves room" in said["failure"]["remedy"]
    assert Attempt.objects.filter(run=run).count() == 1


def test_data_that_is_gone_from_the_disk_ends_the_run_with_its_name(launch: Launch, supervise: Any, home: Path) -> None:
    run = launch()
    shutil.rmtree(home / "datasets")
    assert supervise(run).wait(60) == 0
    said = answer_of(run)
    assert (said["state"], said["failure"]["code"]) == ("failed", "data")
    assert said["failure"]["remedy"]


def test_a_model_that_is_gone_from_the_disk_ends_the_run_with_its_name(
    launch: Launch, supervise: Any, tiny: Path, tmp_path: Path
) -> None:
    run = launch()
    gone = str(tmp_path / "gone")
    run.spec["models"]["policy"]["path"] = gone
    run.save(update_fields=["spec"])
    assert supervise(run).wait(60) == 0
    said = answer_of(run)
    assert (said["state"], said["failure"]["code"]) == ("failed", "model")
    assert gone in said["failure"]["message"]
    assert said["failure"]["remedy"]
