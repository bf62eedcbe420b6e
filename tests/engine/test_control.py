"""Control messages act at a step boundary and are answered by events."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, of_type, spec, sums, train
from workers.contract import control
from workers.contract.run_spec import Limits, RunSpec
from workers.engine.control import Inbox, read
from workers.engine.faults import Preempted


@pytest.fixture
def given(tmp_path: Path, small: Path) -> RunSpec:
    return spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(10)), max_steps=4, save_steps=0,
                lr_scheduler_type="constant", warmup_ratio=0.0)


def told(*messages: Any) -> Inbox:
    inbox = Inbox()
    for message in messages:
        inbox.put(message)
    return inbox


def test_a_live_field_takes_its_new_value_and_says_so(given: RunSpec) -> None:
    found = train(given, told(control.SetField(field="learning_rate", value=5e-4, by="ada")))
    (change,) = of_type(found, "change")
    assert (change.step, change.field, change.old, change.new, change.by) == (0, "learning_rate", 1e-3, 5e-4, "ada")
    assert set(curve(found, "learning_rate").values()) == {5e-4}


@pytest.mark.parametrize(("field", "value"), [("learning_rate", 7.0), ("max_length", 16), ("nonsense", 1)])
def test_a_change_out_of_bounds_or_of_a_fixed_field_is_refused_and_said(given: RunSpec, field: str, value: float) -> None:
    found = train(given, told(control.SetField(field=field, value=value)))
    assert not of_type(found, "change")
    assert any(f"{field} was not changed" in event.message for event in of_type(found, "log"))


def test_stop_saves_and_leaves_a_model(given: RunSpec) -> None:
    found = train(given, told(control.Stop()))
    assert of_type(found, "done")[0].reason == "stopped"
    assert (Path(given.output_dir) / "final" / "model.safetensors").is_file()


def test_stop_without_a_checkpoint_leaves_nothing(given: RunSpec) -> None:
    train(given, told(control.Stop(checkpoint=False)))
    assert [path.name for path in Path(given.output_dir).iterdir()] == ["events.jsonl"]


def test_an_asked_checkpoint_is_written_at_once(given: RunSpec) -> None:
    found = train(given, told(control.SaveCheckpoint()))
    assert [(event.step, event.reason) for event in of_type(found, "checkpoint")] == [(0, "asked"), (4, "final")]


def test_a_paused_run_can_be_stopped(given: RunSpec) -> None:
    found = train(given, told(control.Pause(), control.Stop()))
    assert [event.state for event in of_type(found, "status")][-2:] == ["paused", "stopping"]
    assert of_type(found, "done")[0].reason == "stopped"


def test_a_paused_run_told_to_leave_leaves(given: RunSpec) -> None:
    inbox = told(control.Pause())
    inbox.go("SIGTERM")
    with pytest.raises(Preempted, match="SIGTERM"):
        train(given, inbox)


def test_a_line_that_is_no_message_is_complained_about_and_passed_over() -> None:
    inbox, complaints = Inbox(), list[str]()
    read(io.StringIO('{"type":"dance"}\n\n{"type":"pause"}\n'), inbox, supervised=False, complain=complaints.append)
    assert [message.type for message in inbox.drain()] == ["pause"]
    assert len(complaints) == 1
    assert not inbox.leave


def test_a_supervised_engine_leaves_when_its_input_ends() -> None:
    inbox = Inbox()
    read(io.StringIO(""), inbox, supervised=True, complain=print)
    assert inbox.leave == "its supervisor is gone"


@pytest.mark.parametrize(("limits", "detail"), [
    (Limits(max_steps=2), "2 steps"), (Limits(max_tokens=5), "5 trained tokens"),
    (Limits(max_wall_seconds=1e-9), "1e-09 seconds of work"),
])
def test_a_run_ends_at_its_limit_and_names_it(given: RunSpec, limits: Limits, detail: str) -> None:
    found = train(given.model_copy(update={"limits": limits}))
    assert (found[-1].type, found[-1].reason, found[-1].detail) == ("done", "limit", detail)
