"""A reward is tried on pasted text, rows and rollouts; what cannot be tried is refused before anything is kept."""

import json
from typing import Any

import pytest

from runs.accounts.models import Project
from runs.jobs.models import Job
from runs.launches.models import Run
from runs.telemetry.services import ingest
from runs.trials import services
from runs.trials.models import Trial
from tests.datasets.desk import Desk, jsonl
from tests.launches.builders import make_run
from workers.agent.jobs import reward_trial
from workers.contract.events import RolloutAnswer, RolloutEvent, RolloutTokens
from workers.engine.reports import trial as engine


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine answers in this process: starting one of its own, as one test does, takes seconds."""

    def answer(job: Any, command: str, *, request: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert command == "trial"
        job.progress(None, "Asking the reward")
        found: dict[str, Any] = json.loads(json.dumps(engine.trial(json.loads(json.dumps(request)))))
        return found

    monkeypatch.setattr(reward_trial, "call_engine", answer)


CORRECT = {"name": "correct", "kind": "numeric_match"}
PIPELINE = {"terms": [CORRECT]}


def text(*answers: str, **more: Any) -> dict[str, Any]:
    return {"kind": "text", "prompts": [{"prompt": "2+2=", "reference": "4", "answers": list(answers)}], **more}


def ask(desk: Desk, source: dict[str, Any], **more: Any) -> Any:
    given = more or {"pipeline": PIPELINE}
    return desk.post(f"/projects/{desk.project.id}/reward-trials", {"source": source, **given})


def tried(desk: Desk, source: dict[str, Any], **more: Any) -> tuple[Any, list[Any]]:
    """The trial after its job, which the real engine answers, and its prompts."""
    trial = ask(desk, source, **more)
    job = desk.work(trial["job"]["id"])
    assert job.error is None, job.error
    return desk.get(f"/reward-trials/{trial['id']}"), desk.get(f"/reward-trials/{trial['id']}/prompts")["items"]


def refused(desk: Desk, source: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """Field and sentence of each fault; nothing may have been kept or queued."""
    given = more or {"pipeline": PIPELINE}
    answer = desk.call("POST", f"/projects/{desk.project.id}/reward-trials", {"source": source, **given})
    assert answer.status_code == 422, answer.content
    assert not Trial.objects.exists()
    assert not Job.objects.filter(kind="reward_trial").exists()
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def rollouts_of(desk: Desk, *steps: int) -> Run:
    """A run that wrote the same two answers, the wrong one rewarded, at each of `steps`."""
    run = make_run(project=desk.project, state="running", attempt=1)

    def answer(words: str, reward: float) -> RolloutAnswer:
        tokens = RolloutTokens(ids=[5, 6, 7], texts=list("abc"))
        return RolloutAnswer(text=words, reward=reward, length=3, tokens=tokens)

    ingest(run.id, 1, [
        RolloutEvent(seq=seq, time=1.0, step=step, row=0, prompt="2+2=", reference_answer="4",
                     answers=[answer("4", 0.0), answer(f"{step + 5}", 1.0)])
        for seq, step in enumerate(steps, 1)
    ])  # fmt: skip
    return run


@pytest.mark.slow
def test_pasted_text_is_scored_answer_by_answer(desk: Desk) -> None:
    trial, (prompt,) = tried(desk, text("It is 4", "5"))
    assert [answer["reward"] for answer in prompt["answers"]] == [1.0, 0.0]
    assert prompt["answers"][0]["terms"]["correct"]["value"] == 1.0
    assert (trial["report"]["answers"], trial["report"]["mean"], trial["job"]["state"]) == (2, 0.5, "succeeded")
    assert trial["report"]["replay"] is None


@pytest.mark.usefixtures("here")
def test_a_saved_version_is_tried_as_it_was_saved(desk: Desk) -> None:
    reward = desk.post(f"/projects/{desk.project.id}/rewards", {"name": "Right", "pipeline": PIPELINE})
    version = reward["latest"]["id"]
    trial, _ = tried(desk, text("4"), reward_version_id=version)
    assert (trial["reward_version_id"], trial["pipeline"]["version_id"]) == (version, version)
    found = desk.get(f"/projects/{desk.project.id}/reward-trials?reward={reward['id']}")["items"]
    assert [one["id"] for one in found] == [trial["id"]]


@pytest.mark.usefixtures("here")
def test_rows_bring_their_own_answers_or_their_references(desk: Desk) -> None:
    rows = [{"prompt": f"{n}+1=", "chosen": str(n + 1), "rejected": "no", "answer": str(n + 1)} for n in range(5)]
    version = desk.ingest(desk.send(jsonl(*rows)))
    source = {"kind": "rows", "version_id": version["id"], "offset": 1, "limit": 3}
    _, prompts = tried(desk, source, pipeline={"terms": [{"name": "short", "kind": "length"}]})
    assert [prompt["row"] for prompt in prompts] == [1, 2, 3]
    assert [answer["label"] for answer in prompts[0]["answers"]] == ["chosen", "rejected"]
    sums = desk.ingest(desk.send(jsonl(*[{"prompt": f"{n}+1=", "answer": str(n + 1)} for n in range(5)])))
    source = {"kind": "rows", "version_id": sums["id"], "answers": "reference"}
    trial, prompts = tried(desk, source)
    assert (trial["report"]["mean"], prompts[4]["answers"][0]["text"]) == (1.0, "5")


@pytest.mark.usefixtures("here")
def test_a_replay_tells_what_the_reward_would_have_changed(desk: Desk) -> None:
    run = rollouts_of(desk, 1, 2, 3)
    trial, prompts = tried(desk, {"kind": "rollouts", "run_id": run.id})
    assert [prompt["step"] for prompt in prompts] == [1, 2, 3]
    right, wrong = prompts[0]["answers"]
    assert (right["rank"], right["old_rank"], right["reward"], right["old_reward"]) == (1, 2, 1.0, 0.0)
    assert (wrong["rank"], wrong["old_rank"], wrong["length"]) == (2, 1, 3)
    replay = trial["report"]["replay"]
    assert (replay["groups"], replay["reordered"], replay["flat_after"], replay["spearman"]) == (3, 3, 0, pytest.approx(-1.0))
    one_step, _ = tried(desk, {"kind": "rollouts", "run_id": run.id, "step": 2})
    assert one_step["report"]["prompts"] == 1


@pytest.mark.usefixtures("here")
def test_rollouts_beyond_the_limit_are_drawn_evenly(desk: Desk) -> None:
    run = rollouts_of(desk, *range(1, 11))
    _, prompts = tried(desk, {"kind": "rollouts", "run_id": run.id, "limit": 5})
    assert [prompt["step"] for prompt in prompts] == [1, 3, 5, 7, 9]


@pytest.mark.usefixtures("here")
def test_prompts_are_paged_and_sorted_by_what_moved(desk: Desk) -> None:
    run = rollouts_of(desk, 1, 2, 3)
    trial, _ = tried(desk, {"kind": "rollouts", "run_id": run.id})
    path = f"/reward-trials/{trial['id']}/prompts"
    page = desk.get(f"{path}?limit=2&sort=shift")
    assert (len(page["items"]), page["total"], page["next"]) == (2, 3, 2)
    assert desk.get(f"{path}?offset=2&limit=2")["next"] is None
    assert desk.get(f"{path}?only=flat")["items"] == []
    assert len(desk.get(f"{path}?only=reordered")["items"]) == 3


def test_what_is_not_there_is_refused_at_its_field(desk: Desk) -> None:
    foreign = make_run(project=Project.objects.create(name="Other"))
    empty = make_run(project=desk.project)
    assert refused(desk, {"kind": "rollouts", "run_id": foreign.id})[0][0] == "source.run_id"
    assert "no stored rollouts" in refused(desk, {"kind": "rollouts", "run_id": empty.id})[0][1]
    assert refused(desk, {"kind": "rollouts", "run_id": rollouts_of(desk, 1).id, "step": 7})[0][0] == "source.step"
    assert refused(desk, {"kind": "rows", "version_id": "dsv_x"})[0][0].startswith("source.")
    assert refused(desk, text("4", model_id="mdl_x"))[0][0].startswith("source.")
    assert refused(desk, text("4"), reward_version_id="rwv_x")[0][0] == "reward_version_id"


def test_rows_without_answers_are_refused_with_what_to_try(desk: Desk) -> None:
    version = desk.ingest(desk.send(jsonl({"prompt": "1+1="}, {"prompt": "2+2="})))
    for answers in ("own", "reference"):
        (field, message), = refused(desk, {"kind": "rows", "version_id": version["id"], "answers": answers})
        assert field == "source.answers"
        assert "a run's rollouts" in message
    assert refused(desk, {"kind": "rows", "version_id": version["id"], "offset": 2})[0][0] == "source.offset"
    assert refused(desk, {"kind": "rows", "version_id": version["id"], "split": "test"})[0][0].startswith("source.")


@pytest.mark.parametrize(
    "source", [text(), {"kind": "text", "prompts": []}, {"kind": "song"}, {"kind": "rows", "version_id": "x", "limit": 501},
               {"kind": "rollouts", "run_id": "x", "step": -1}, text("x" * 100_001)],
)  # fmt: skip
def test_what_is_too_little_or_too_much_is_refused(desk: Desk, source: dict[str, Any]) -> None:
    assert refused(desk, source)[0][0].startswith("source")


def test_a_pipeline_with_a_fault_is_refused_by_field(desk: Desk) -> None:
    faulty = {"terms": [{"name": "x", "kind": "length", "params": {"limit": 0}}]}
    assert refused(desk, text("4"), pipeline=faulty)[0][0] == "pipeline.terms.0.params.limit"
    assert refused(desk, text("4"), pipeline=PIPELINE, reward_version_id="rwv_x")
    answer = desk.call("POST", f"/projects/{desk.project.id}/reward-trials", {"source": text("4")})
    assert answer.status_code == 422


def test_who_may_look_may_not_try(desk: Desk) -> None:
    trial = ask(desk, text("4"))
    body = {"source": text("4"), "pipeline": PIPELINE}
    for who, status in (("viewer", 403), ("stranger", 404)):
        assert desk.call("POST", f"/projects/{desk.project.id}/reward-trials", body, who=who).status_code == status
    for path in (f"/reward-trials/{trial['id']}", f"/reward-trials/{trial['id']}/prompts"):
        assert desk.call("GET", path, who="viewer").status_code == 200
        assert desk.call("GET", path, who="stranger").status_code == 404


def test_a_trial_is_cancelled_by_its_job_and_has_no_report(desk: Desk) -> None:
    trial = ask(desk, text("4"))
    assert desk.work(trial["job"]["id"], cancelled_while_it_runs=True).state == "cancelled"
    shown = desk.get(f"/reward-trials/{trial['id']}")
    assert (shown["job"]["state"], shown["report"]) == ("cancelled", None)
    assert desk.get(f"/reward-trials/{trial['id']}/prompts")["items"] == []


def test_the_oldest_trials_of_a_person_make_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "KEPT_EACH", 2)
    made = [ask(desk, text(str(n)))["id"] for n in range(4)]
    assert set(Trial.objects.values_list("id", flat=True)) == set(made[2:])


def test_a_run_that_is_gone_when_the_job_begins_fails_with_a_sentence(desk: Desk) -> None:
    run = rollouts_of(desk, 1)
    trial = ask(desk, {"kind": "rollouts", "run_id": run.id})
    run.delete()
    job = desk.work(trial["job"]["id"])
    assert job.error is not None
    assert "Choose another" in job.error["message"]
