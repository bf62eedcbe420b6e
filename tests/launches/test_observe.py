"""What the engine says becomes the run's row."""

from pathlib import Path
from typing import Any

import pytest

from runs.launches import selectors, services
from runs.launches.models import Artifact, Checkpoint, Run
from runs.launches.services.observe import digest
from runs.library.models import LibraryModel
from runs.problems import NotFound
from runs.telemetry.models import Level, LogLine
from runs.telemetry.services import ingest
from tests.launches.builders import make_run
from workers.contract.events import (
    ArtifactEvent,
    ChangeEvent,
    CheckpointEvent,
    DoneEvent,
    FailedEvent,
    MetricsEvent,
    ProgressEvent,
    StatusEvent,
)


@pytest.fixture
def run(db: None) -> Run:
    run = make_run(live={"beta": 0.1})
    services.claim(run.id, owner="wrk_a")
    return run


def say(run: Run, *events: Any) -> Run:
    numbered = [event.model_copy(update={"seq": number}) for number, event in enumerate(events, start=1)]
    ingest(run.id, 1, numbered)
    return Run.objects.get(id=run.id)


def test_a_batch_boils_down_to_its_latest_values() -> None:
    seen = digest(
        [
            MetricsEvent(step=1, values={"loss": 2.0, "system/cpu.util": 90.0}),
            MetricsEvent(step=2, values={"loss": 1.0, "kl": None}),
            ProgressEvent(step=2, total=9, tokens=50),
        ]
    )
    assert seen.metrics == {"loss": 1.0, "kl": None}
    assert seen.changes == {"step": 2, "eta_seconds": None, "tokens": 50, "total": 9}


def test_states_follow_the_engine_s_named_moments(run: Run) -> None:
    assert say(run, StatusEvent(state="starting", doing="loading torch")).state == "starting"
    moments = [StatusEvent(state="running"), StatusEvent(state="paused"), StatusEvent(state="running")]
    assert say(run, StatusEvent(state="starting"), *moments).state == "running"
    assert [change.to_state for change in run.history.all()] == ["starting", "running", "paused", "running"]


def test_curves_and_live_values_are_merged_not_replaced(run: Run) -> None:
    after = say(run, MetricsEvent(step=1, values={"loss": 1.0}), ChangeEvent(step=1, field="learning_rate", old=1.0, new=0.5))
    assert (after.metrics, after.live) == ({"loss": 1.0}, {"beta": 0.1, "learning_rate": 0.5})


def test_a_checkpoint_is_registered_below_the_run_s_directory_only(run: Run, settings: Any) -> None:
    facts: dict[str, Any] = {"manifest_hash": "aa", "size_bytes": 1}
    inside = str(settings.HOME / "runs" / run.id / "attempt-0001" / "checkpoints" / "step-00000001")
    say(run, CheckpointEvent(step=1, path=inside, **facts), CheckpointEvent(step=2, path="/etc", **facts))
    assert list(Checkpoint.objects.values_list("step", flat=True)) == [1]


def test_the_final_model_stands_at_the_last_step_and_has_files_of_its_own(run: Run, settings: Any) -> None:
    final = settings.HOME / "runs" / run.id / "attempt-0001" / "final"
    final.mkdir(parents=True)
    (final / "config.json").write_text("{}")
    say(run, ProgressEvent(step=199), ProgressEvent(step=200), ArtifactEvent(kind="model", path=str(final)))
    model = LibraryModel.objects.get(run_id=run.id)
    assert (model.step, model.path) == (200, str(settings.HOME / "models" / model.id))
    assert (Path(model.path) / "config.json").samefile(final / "config.json")
    assert Run.objects.get().final_model_id == model.id


def test_a_final_model_that_is_gone_is_told_and_stops_nothing(run: Run, settings: Any) -> None:
    gone = settings.HOME / "runs" / run.id / "attempt-0001" / "final"
    assert say(run, ArtifactEvent(kind="model", path=str(gone)), DoneEvent()).state == "succeeded"
    assert "was not registered" in LogLine.objects.get(run=run, level=Level.ERROR).message


def test_a_report_is_kept_once_and_read_from_its_file(run: Run, settings: Any) -> None:
    report = settings.HOME / "runs" / run.id / "attempt-0001" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text('{"pairs": 7}')
    event = ArtifactEvent(kind="reward_report", path=str(report), size_bytes=12)
    say(run, event, event)
    artifact = Artifact.objects.get(run=run)
    assert (artifact.kind, selectors.artifact_document(artifact)) == ("reward_report", {"pairs": 7})
    report.unlink()
    with pytest.raises(NotFound):
        selectors.artifact_document(artifact)


def test_done_is_success_unless_a_cancel_was_asked_for(run: Run) -> None:
    Run.objects.update(desired="cancel")
    assert say(run, DoneEvent(reason="stopped")).state == "cancelled"


def test_a_failure_of_the_run_itself_ends_it_and_one_of_the_platform_waits_for_its_process_to_go(run: Run) -> None:
    assert say(run, FailedEvent(code="platform", message="Odd.")).state == "starting"
    ended = services.end_attempt(run.id, 1, by="wrk_a", exit_="exit 1")
    assert (ended.state, ended.attempts.get().cause) == ("queued", "platform")


def test_the_engine_s_last_word_counts_more_than_what_its_supervisor_found(run: Run) -> None:
    say(run, FailedEvent(code="oom", message="Too large.", remedy="Halve it.", step=4))
    found = FailedEvent(code="platform", message="It left without a word.")
    ended = services.end_attempt(run.id, 1, by="wrk_a", exit_="exit 1", failure=found)
    assert ended.failure == {"code": "oom", "message": "Too large.", "remedy": "Halve it.", "step": 4}
    assert (ended.state, ended.attempts.get().cause) == ("failed", "oom")
