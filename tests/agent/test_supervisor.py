"""A supervisor with a real engine process: what arrives, what is told, how it ends."""

import errno
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db.models.functions import Now

from runs.launches import services
from runs.launches.models import Attempt, Checkpoint, ControlMessage, Run
from runs.launches.schemas import ControlIn
from runs.telemetry.selectors import events_after
from tests.agent.watching import engine_of, freeze, state_of, steps_of, until
from tests.launches.builders import make_actor, make_run
from workers.agent import held, supervisor

pytestmark = pytest.mark.slow
Supervise = Callable[[Run], "subprocess.Popen[bytes]"]
ENDLESS = {"steps": 1_000_000, "step_seconds": 0.02, "save_every": 10}
UNSAVED = ENDLESS | {"save_every": 1_000_000}


def ask(run: Run, kind: str, **values: Any) -> Run:
    return services.request_control(run, ControlIn.model_validate({"type": kind, **values}), make_actor())


def test_a_run_goes_from_claim_to_success_with_all_its_events(supervise: Supervise) -> None:
    run = make_run(config={"steps": 20, "save_every": 10})
    assert supervise(run).wait(20) == 0
    run.refresh_from_db()
    assert (run.state, run.step, run.metrics["reward"], run.lease_until) == ("succeeded", 20, 1.0, None)
    assert list(Checkpoint.objects.order_by("step").values_list("step", flat=True)) == [10, 20]
    assert Attempt.objects.get().exit == "exit 0"


def test_pause_set_resume_and_stop_reach_the_engine(supervise: Supervise) -> None:
    run = make_run(config=UNSAVED)
    process = supervise(run)
    until(lambda: state_of(run) == "running" and steps_of(run) > 2)
    ask(run, "pause")
    until(lambda: state_of(run) == "paused")
    ask(run, "set", field="learning_rate", value=0.5)
    until(lambda: Run.objects.get().live.get("learning_rate") == 0.5)
    ask(run, "resume")
    until(lambda: state_of(run) == "running")
    ask(run, "stop")
    assert process.wait(20) == 0
    assert state_of(run) == "succeeded"
    assert Checkpoint.objects.order_by("-step").values_list("reason", flat=True)[0] == "stop"


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancel_ends_the_engine(supervise: Supervise, *, paused: bool) -> None:
    run = make_run(config=ENDLESS)
    process = supervise(run)
    until(lambda: state_of(run) == "running")
    if paused:
        ask(run, "pause")
        until(lambda: state_of(run) == "paused")
    ask(run, "cancel")
    assert process.wait(20) == 0
    assert state_of(run) == "cancelled"


def test_a_killed_engine_leaves_a_named_cause_and_the_run_goes_on(supervise: Supervise) -> None:
    run = make_run(config={"steps": 30, "save_every": 10, "die_at": 15})
    assert supervise(run).wait(20) == 0
    first = Attempt.objects.get()
    assert (first.cause, first.exit, state_of(run)) == ("platform", "SIGKILL", "queued")
    assert supervise(run).wait(20) == 0
    second = Attempt.objects.get(number=2)
    assert state_of(run) == "succeeded"
    assert Checkpoint.objects.get(id=second.resumed_from).step == 10


def test_a_failure_of_the_run_itself_is_told_and_not_tried_again(supervise: Supervise) -> None:
    run = make_run(config={"steps": 30, "fail_at": 3, "fail_code": "nan"})
    assert supervise(run).wait(20) == 0
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.failure == {"code": "nan", "message": "The script says so.", "remedy": "Change the script.", "step": 3}


def failure_of(run: Run) -> dict[str, Any]:
    assert run.failure is not None
    found: dict[str, Any] = run.failure
    return found


@pytest.mark.parametrize("code", ["oom", "disk_full", "data", "config", "model"])
def test_what_the_engine_says_and_advises_stands_on_the_run(supervise: Supervise, code: str) -> None:
    run = make_run(config={"steps": 30, "fail_at": 3, "fail_code": code})
    supervise(run).wait(20)
    run.refresh_from_db()
    assert (run.state, Attempt.objects.count()) == ("failed", 1)
    assert failure_of(run)["code"] == code
    assert failure_of(run)["remedy"] == "Change the script."


def test_an_engine_that_could_not_even_write_why_is_heard_by_its_exit_code(supervise: Supervise) -> None:
    run = make_run(config={"steps": 30, "save_every": 10, "exit_at": 15, "exit_code": errno.ENOSPC})
    supervise(run).wait(20)
    run.refresh_from_db()
    assert (run.state, failure_of(run)["code"]) == ("failed", "disk_full")
    assert failure_of(run)["message"] == "The worker's disk is full."
    assert "newest checkpoint" in failure_of(run)["remedy"]


def test_a_supervisor_without_disk_ends_the_run_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(supervisor, "write_spec", full)
    run = make_run(config={"steps": 3})
    attempt = services.claim(run.id, owner="wrk_test")
    assert attempt is not None
    supervisor.Supervisor(Run.objects.get(id=run.id), attempt).execute()
    run.refresh_from_db()
    assert (run.state, failure_of(run)["code"], run.lease_until) == ("failed", "disk_full", None)
    assert list(held.folder().iterdir()) == []


def test_a_damaged_checkpoint_is_passed_over(supervise: Supervise) -> None:
    run = make_run(config={"steps": 30, "save_every": 5, "die_at": 15})
    supervise(run).wait(20)
    newest = Checkpoint.objects.order_by("-step")[0]
    (Path(newest.path) / "state.json").write_text("torn")
    supervise(run).wait(20)
    before = Checkpoint.objects.get(id=Attempt.objects.get(number=2).resumed_from)
    assert before.step == newest.step - 5
    assert state_of(run) == "succeeded"
    newest.refresh_from_db()
    assert newest.verified is False


def test_a_host_that_leaves_saves_and_the_run_waits_for_the_next(supervise: Supervise) -> None:
    run = make_run(config=UNSAVED)
    process = supervise(run)
    until(lambda: steps_of(run) > 5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert state_of(run) == "queued"
    assert Checkpoint.objects.order_by("-step").values_list("reason", flat=True)[0] == "signal"


def test_an_engine_dies_with_its_supervisor_and_the_run_is_taken_over(supervise: Supervise) -> None:
    run = make_run(config={"steps": 200, "step_seconds": 0.02, "save_every": 10})
    process = supervise(run)
    until(Checkpoint.objects.exists)
    engine = engine_of(run)
    process.kill()
    process.wait()
    until(lambda: not engine.is_running() or engine.status() == "zombie", 2.0)
    until(lambda: Run.objects.filter(lease_until__lt=Now()).exists())
    assert supervise(run).wait(20) == 0
    assert state_of(run) == "succeeded"
    assert Attempt.objects.get(number=1).cause == "worker_lost"


def test_a_frozen_supervisor_is_fenced_when_it_thaws(supervise: Supervise) -> None:
    run = make_run(config=ENDLESS)
    process = supervise(run)
    until(lambda: steps_of(run) > 5)
    freeze(process, run)
    until(lambda: Run.objects.filter(lease_until__lt=Now()).exists())
    assert services.claim(run.id, owner="wrk_other") == 2
    cursor = Run.objects.get().cursor
    process.send_signal(signal.SIGCONT)
    assert process.wait(3) == 4
    assert Run.objects.get().cursor == cursor


def test_what_an_earlier_attempt_left_running_is_ended_first(supervise: Supervise) -> None:
    run = make_run(config=ENDLESS)
    first = supervise(run)
    engine = engine_of(run)
    freeze(first, run)
    until(lambda: Run.objects.filter(lease_until__lt=Now()).exists())
    second = supervise(run)
    until(lambda: not engine.is_running() or engine.status() == "zombie")
    assert first.wait(5) == -signal.SIGKILL
    until(lambda: Run.objects.get().attempt == 2 and state_of(run) == "running")
    ask(run, "cancel")
    second.wait(20)


def test_numbers_have_no_gaps_and_steps_are_not_doubled(supervise: Supervise) -> None:
    run = make_run(config={"steps": 300, "step_seconds": 0.001})
    supervise(run).wait(20)
    run.refresh_from_db()
    steps, after = [], 0
    while items := [orjson.loads(item) for item in events_after(run.id, after, limit=500).items]:
        assert [item["cursor"] for item in items] == list(range(after + 1, after + 1 + len(items)))
        steps += [item["event"]["step"] for item in items if item["event"]["type"] == "progress"]
        after = items[-1]["cursor"]
    assert steps == list(range(1, 301))
    assert after == run.cursor
    assert not ControlMessage.objects.exists()
