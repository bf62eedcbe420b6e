"""What people may ask of a run in each state, and what becomes of it."""

from typing import Any

import pytest

from runs.accounts.models import AuditEntry
from runs.launches import services
from runs.launches.models import ControlMessage, Run
from runs.launches.schemas import ControlIn
from runs.launches.states import CONTROLS, State
from runs.problems import Conflict, Invalid
from tests.launches.builders import make_actor, make_run

ASKS = [(kind, state) for kind in CONTROLS for state in State if kind != "set"]


def ask(run: Run, kind: str, **values: Any) -> Run:
    return services.request_control(run, ControlIn.model_validate({"type": kind, **values}), make_actor())


def claimed(**values: Any) -> Run:
    run = make_run(**values)
    services.claim(run.id, owner="wrk_a")
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(("kind", "state"), ASKS)
def test_a_control_is_taken_exactly_in_the_states_of_the_table(db: None, kind: str, state: State) -> None:
    run = make_run(state=state)
    if state in CONTROLS[kind]:
        ask(run, kind)
        assert AuditEntry.objects.filter(action=f"run.{kind}").count() == 1
    else:
        with pytest.raises(Conflict):
            ask(run, kind)


def test_a_queued_run_is_cancelled_at_once(db: None) -> None:
    assert ask(make_run(), "cancel").state == "cancelled"


def test_people_are_called_by_their_names(db: None) -> None:
    run = ask(make_run(), "cancel")
    assert run.history.get(to_state="cancelled").by == make_actor().user.name


def test_a_held_run_is_left_to_its_executor(db: None) -> None:
    run = ask(claimed(), "cancel")
    assert (run.state, run.desired) == ("starting", "cancel")


def test_resuming_a_paused_run_without_executor_queues_it(db: None) -> None:
    run = ask(make_run(state="paused", desired="pause"), "resume")
    assert (run.state, run.desired) == ("queued", "run")


def test_nothing_more_is_asked_of_a_run_that_is_stopping(db: None) -> None:
    run = ask(claimed(), "stop")
    with pytest.raises(Conflict):
        ask(run, "pause")
    assert ask(run, "cancel").desired == "cancel"


def test_lines_for_the_engine_are_handed_out_once_and_in_order(db: None) -> None:
    run = claimed()
    ask(run, "checkpoint")
    ask(run, "sample")
    assert [body["type"] for body in services.take_controls(run.id, 1)] == ["checkpoint", "sample"]
    assert services.take_controls(run.id, 1) == []


def test_a_stale_attempt_takes_no_lines(db: None) -> None:
    run = claimed()
    ask(run, "checkpoint")
    Run.objects.update(attempt=2)
    with pytest.raises(services.Fenced):
        services.take_controls(run.id, 1)
    assert ControlMessage.objects.get().taken_at is None


def test_a_live_field_is_set_and_any_other_refused_by_name(db: None) -> None:
    run = claimed()
    ask(run, "set", field="learning_rate", value=1e-5)
    assert ControlMessage.objects.get().body["value"] == 1e-5
    with pytest.raises(Invalid) as refusal:
        ask(run, "set", field="seed", value=1)
    assert "learning_rate" in refusal.value.detail
