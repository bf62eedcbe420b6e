"""The table of states holds for every pair, and nothing leaves or enters outside it."""

import pytest

from runs.launches import services
from runs.launches.models import Run, RunHistory
from runs.launches.states import FINAL, TRANSITIONS, State
from runs.problems import Conflict
from tests.launches.builders import make_run

PAIRS = [(before, to) for before in State for to in State]


@pytest.mark.parametrize(("before", "to"), PAIRS)
def test_a_change_happens_exactly_when_the_table_has_it(db: None, before: State, to: State) -> None:
    run = make_run(state=before)
    if to in TRANSITIONS[before]:
        assert services.transition(run.id, to, by="test").state == to
        assert RunHistory.objects.filter(run=run, from_state=before, to_state=to).count() == 1
    else:
        with pytest.raises(Conflict):
            services.transition(run.id, to, by="test")
        assert Run.objects.get(id=run.id).state == before


def test_success_is_for_ever_and_other_ends_may_only_be_tried_again() -> None:
    assert TRANSITIONS[State.SUCCEEDED] == frozenset()
    assert all(TRANSITIONS[state] == {State.QUEUED} for state in FINAL if state != State.SUCCEEDED)


def test_every_change_joins_the_log(db: None) -> None:
    run = make_run(state="running")
    assert services.transition(run.id, State.PAUSED, by="test", reason="Asked.").cursor == 1


def test_a_stale_attempt_changes_nothing(db: None) -> None:
    run = make_run(state="running", attempt=2)
    with pytest.raises(services.Fenced):
        services.transition(run.id, State.SUCCEEDED, by="engine", attempt=1)
