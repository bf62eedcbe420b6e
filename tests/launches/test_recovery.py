"""Which ends are tried again, how often, and where a run goes when its executor is lost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from runs.launches import services
from runs.launches.models import Attempt, Checkpoint, Run
from runs.launches.schemas import AttemptOut
from runs.launches.services.claim import ready_runs
from runs.launches.services.recovery import BACKOFF_SECONDS
from runs.telemetry.models import Level, LogLine
from tests.launches.builders import make_run
from workers.contract.events import FailedEvent, FailureCode

PAST = timezone.now() - timedelta(hours=1)


def lose(run: Run) -> None:
    """The executor's lease passes, and nothing else holds the run back."""
    Run.objects.filter(id=run.id).update(lease_until=PAST, not_before=None)


def save(run: Run, step: int) -> None:
    attempt = Run.objects.get(id=run.id).attempt
    Checkpoint.objects.create(run=run, attempt=attempt, step=step, path="/x", manifest_hash="", size_bytes=1, reason="interval")


def ended_with(code: FailureCode, **values: object) -> Run:
    run = make_run(**values)
    services.claim(run.id, owner="wrk_a")
    failure = FailedEvent(code=code, message="It broke.")
    return services.end_attempt(run.id, 1, by="wrk_a", exit_="exit 1", failure=failure)


@pytest.mark.parametrize("code", ["worker_lost", "platform", "preempted"])
def test_platform_causes_are_tried_again(db: None, code: FailureCode) -> None:
    run = ended_with(code)
    assert (run.state, run.owner, run.lease_until) == ("queued", "", None)
    assert Attempt.objects.get().cause == code


@pytest.mark.parametrize("code", ["oom", "nan", "config", "data", "user_code", "disk_full", "model", "reward"])
def test_causes_in_the_run_itself_are_not(db: None, code: FailureCode) -> None:
    run = ended_with(code)
    assert run.state == "failed"
    assert run.failure == {"code": code, "message": "It broke.", "remedy": "", "step": 0}


def test_a_second_try_without_a_checkpoint_in_between_is_not_made(db: None) -> None:
    run = make_run()
    services.claim(run.id, owner="a")
    lose(run)
    assert services.claim(run.id, owner="a") == 2
    lose(run)
    assert services.claim(run.id, owner="a") is None
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.failure is not None
    assert run.failure["code"] == "worker_lost"


def test_progress_buys_tries_up_to_the_budget(db: None) -> None:
    run = make_run()
    for step in range(len(BACKOFF_SECONDS) + 1):
        assert services.claim(run.id, owner="a") == step + 1
        save(run, step)
        lose(run)
    assert services.claim(run.id, owner="a") is None
    assert Run.objects.get().state == "failed"


def test_the_next_try_waits(db: None) -> None:
    run = ended_with("platform")
    services.claim(run.id, owner="a")
    save(run, 1)
    run = services.end_attempt(run.id, 2, by="a", exit_="exit 1", failure=FailedEvent(code="platform", message="Again."))
    assert run.waiting_for == f"new try 2 of 5 in {BACKOFF_SECONDS[1]} s: Again."
    assert services.claim(run.id, owner="a") is None


def test_the_story_says_why_and_where_it_starts_again(db: None) -> None:
    run = make_run(step=6)
    services.claim(run.id, owner="a")
    assert LogLine.objects.get(run=run).message == "Attempt 1 starts on a."
    save(run, 4)
    run = services.end_attempt(run.id, 1, by="a", exit_="SIGKILL", failure=FailedEvent(code="platform", message="It was killed."))
    story = "It was killed. It stood at step 6; it starts again from step 4, new try 1 of 5."
    assert LogLine.objects.filter(run=run, level=Level.WARNING).get().message == story
    assert run.history.filter(to_state="queued").get().reason == "It was killed. Try 1 of 5"
    assert run.waiting_for == "new try 1 of 5: It was killed."
    (attempt,) = [AttemptOut.from_orm(one) for one in Attempt.objects.all()]
    assert (attempt.exit, attempt.cause, attempt.reason) == ("SIGKILL", "platform", "It was killed.")
    services.claim(run.id, owner="a")
    run.refresh_from_db()
    assert run.doing == "Starting again from step 4"
    assert LogLine.objects.filter(run=run).latest("cursor").message == "Attempt 2 starts on a again from step 4."


def test_a_recovering_run_keeps_its_place_in_the_queue(db: None) -> None:
    first = ended_with("platform")
    assert [run.id for run in ready_runs()] == [first.id]
    later = make_run(project=first.project, queued_at=timezone.now())
    assert services.claim(first.id, owner="a") == 2
    save(first, 3)
    services.end_attempt(first.id, 2, by="a", exit_="exit 3", failure=FailedEvent(code="preempted", message="It left."))
    Run.objects.update(not_before=None)
    assert [run.id for run in ready_runs()] == [first.id, later.id]


def test_a_host_that_leaves_costs_no_try(db: None) -> None:
    assert ended_with("preempted").recoveries == 0


@pytest.mark.parametrize(("desired", "state"), [("cancel", "cancelled"), ("stop", "cancelled"), ("pause", "paused")])
def test_a_lost_executor_leaves_the_run_where_people_want_it(db: None, desired: str, state: str) -> None:
    run = make_run()
    services.claim(run.id, owner="a")
    Run.objects.update(desired=desired)
    lose(run)
    assert services.settle_lost() == 1
    run.refresh_from_db()
    assert (run.state, run.lease_until) == (state, None)


def test_what_ended_well_stays_so_when_its_executor_is_lost(db: None) -> None:
    run = make_run(state="succeeded", attempt=1, lease_until=PAST, owner="a")
    assert services.settle_lost() == 1
    run.refresh_from_db()
    assert (run.state, run.lease_until) == ("succeeded", None)
