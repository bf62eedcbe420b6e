from typing import Any

import orjson
import pytest

from runs.launches.models import Run
from runs.problems import NotFound
from runs.telemetry import selectors
from runs.telemetry.services import ingest
from tests.telemetry.events import metric, rollout, said
from workers.contract.events import EvaluationEvent

pytestmark = pytest.mark.django_db


def logs(run: Run, **asked: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"after": None, "before": None, "level": "debug", "q": "", "limit": 10, **asked}
    return selectors.log_page(run.id, **given)


def rollouts(run: Run, **asked: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"step_from": None, "step_to": None, "q": "", "sort": "newest", "cursor": None, "limit": 10, **asked}
    return selectors.rollout_page(run.id, **given)


def test_events_are_read_after_a_cursor_up_to_a_limit(run: Run) -> None:
    for seq in range(1, 8):
        ingest(run.id, 1, [metric(seq)])
    read = selectors.events_after(run.id, 2, limit=3)
    assert [orjson.loads(item)["cursor"] for item in read.items] == [3, 4, 5]
    assert read.last == 5


def test_events_of_some_types_only_still_tell_how_far_the_log_was_read(run: Run) -> None:
    ingest(run.id, 1, [metric(1), said(2), metric(3)])
    read = selectors.events_after(run.id, 0, limit=10, types=["log"])
    assert [orjson.loads(item)["cursor"] for item in read.items] == [2]
    assert read.last == 3


def test_log_lines_page_backwards_from_the_newest(run: Run) -> None:
    ingest(run.id, 1, [said(seq, f"line {seq}") for seq in range(1, 26)])
    newest = logs(run)
    assert [line.message for line in newest["items"]] == [f"line {n}" for n in range(16, 26)]
    older = logs(run, before=newest["items"][0].cursor)
    assert [line.message for line in older["items"]] == [f"line {n}" for n in range(6, 16)]
    assert (newest["older"], logs(run, before=6)["older"]) == (True, False)


def test_log_lines_are_followed_forwards(run: Run) -> None:
    ingest(run.id, 1, [said(seq, f"line {seq}") for seq in range(1, 26)])
    page = logs(run, after=20, limit=3)
    assert [line.message for line in page["items"]] == ["line 21", "line 22", "line 23"]
    assert page["newer"]


def test_an_evaluation_is_a_line_of_the_log(run: Run) -> None:
    values = {"eval/loss": 0.123456, "eval/exact_match": None}
    ingest(run.id, 1, [EvaluationEvent(seq=1, step=50, suite="eval", values=values)])
    (line,) = logs(run)["items"]
    assert (line.step, line.message) == (50, "Evaluation eval at step 50: eval/loss 0.1235, eval/exact_match is not a number.")


def test_log_lines_are_filtered_by_level_and_words(run: Run) -> None:
    ingest(run.id, 1, [said(1, "all is well"), said(2, "KL is high", "warning"), said(3, "out of memory", "error")])
    assert [line.message for line in logs(run, level="warning")["items"]] == ["KL is high", "out of memory"]
    assert [line.message for line in logs(run, q="MEMORY")["items"]] == ["out of memory"]


def test_log_lines_know_their_step(run: Run) -> None:
    ingest(run.id, 1, [metric(1, step=40), said(2)])
    assert logs(run)["items"][0].step == 40


def test_rollouts_come_without_tokens_in_the_list_and_with_them_alone(run: Run) -> None:
    ingest(run.id, 1, [rollout(1, step=3)])
    listed = rollouts(run)["items"][0]
    assert listed["reward"] == 0.5
    assert "tokens" not in listed["answers"][0]
    assert selectors.rollout_at(run.id, listed["cursor"])["answers"][0]["tokens"]["texts"] == ["The", " answer"]


def test_rollouts_page_without_skipping_when_new_ones_arrive(run: Run) -> None:
    ingest(run.id, 1, [rollout(seq, step=seq) for seq in range(1, 6)])
    first = rollouts(run, limit=2)
    ingest(run.id, 1, [rollout(6, step=6)])
    second = rollouts(run, limit=2, cursor=first["next"])
    assert [item["step"] for item in first["items"] + second["items"]] == [5, 4, 3, 2]


def test_rollouts_sort_by_reward_with_unscored_ones_last(run: Run) -> None:
    rewards = [0.2, None, 0.9]
    ingest(run.id, 1, [rollout(seq, step=seq, reward=reward) for seq, reward in enumerate(rewards, 1)])
    assert [item["reward"] for item in rollouts(run, sort="-reward")["items"]] == [0.9, 0.2, None]
    assert [item["reward"] for item in rollouts(run, sort="reward")["items"]] == [0.2, 0.9, None]


def test_rollouts_are_found_by_words_and_steps(run: Run) -> None:
    ingest(run.id, 1, [rollout(1, step=1, text='He said "12"'), rollout(2, step=2, text="Zwölf"), rollout(3, step=3)])
    assert [item["step"] for item in rollouts(run, q='said "12"')["items"]] == [1]
    assert [item["step"] for item in rollouts(run, q="Zwölf")["items"]] == [2]
    assert [item["step"] for item in rollouts(run, step_from=2, step_to=2)["items"]] == [2]


def test_a_rollout_that_is_not_there_is_not_found(run: Run) -> None:
    ingest(run.id, 1, [metric(1)])
    with pytest.raises(NotFound):
        selectors.rollout_at(run.id, 1)
