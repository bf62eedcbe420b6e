"""What a campaign draws from each kind of source, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from runs.annotation.models import Campaign, Task
from runs.annotation.schemas import CampaignIn
from runs.annotation.services import create_campaign
from runs.datasets.models import DatasetVersion
from runs.launches.models import Artifact, Run
from runs.telemetry.models import Rollout
from tests.annotation.bench import Bench, pairs

HI = [{"role": "user", "content": "Hi"}]


def shown_texts(campaign: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(task.prompt, task.first["text"], task.second["text"]) for task in Task.objects.filter(campaign=campaign["id"])]


def test_pairs_of_a_preference_data_set_with_sides_drawn(bench):
    campaign = bench.campaign(40, limit=30)
    assert (campaign["tasks"], campaign["done"], campaign["state"], campaign["left_out"]) == (30, 0, "open", {})
    tasks = list(Task.objects.filter(campaign=campaign["id"]))
    assert 0 < sum(task.swapped for task in tasks) < 30, "some are turned round and some are not"
    for task, handed in zip(tasks, bench.tasks(campaign, "ann", 20), strict=False):
        left, right = (task.second, task.first) if task.swapped else (task.first, task.second)
        assert (handed["a"], handed["b"]) == (left["text"], right["text"])


def test_a_seed_repeats_the_draw(bench):
    source = {"kind": "dataset", "version_id": bench.version(*pairs(30))["id"]}
    first, second = (bench.try_campaign(source, limit=10).json() for _ in range(2))
    assert shown_texts(first) == shown_texts(second)
    assert shown_texts(bench.try_campaign(source, limit=10, seed=8).json()) != shown_texts(first)


def test_equal_sides_and_repeats_are_left_out_and_counted(bench):
    equal = [{"prompt": "a", "chosen": "x", "rejected": "x "}, {"prompt": "b", "chosen": "y", "rejected": "y"}]
    rows = [*pairs(3), *equal, pairs(1)[0], {"prompt": "0+1=", "chosen": "2", "rejected": "1"}]
    answer = bench.try_campaign({"kind": "dataset", "version_id": bench.version(*rows)["id"]})
    assert answer.json()["left_out"] == {"equal": 2, "repeated": 2}
    assert answer.json()["tasks"] == 3


def test_a_source_of_equal_sides_alone_is_refused_with_the_remedy(bench):
    version = bench.version({"prompt": "a", "chosen": "x", "rejected": "x"}, {"prompt": "b", "chosen": "y", "rejected": "y"})
    answer = bench.try_campaign({"kind": "dataset", "version_id": version["id"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "source"
    assert "2 with equal sides" in answer.json()["detail"]
    assert "Choose a version whose rows hold two different answers" in answer.json()["detail"]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"version_id": "dsv_none"}, "source.version_id", "No data-set version"),
        ({"split": "test"}, "source.version_id", "has no split test"),
        ({"columns": ["chosen", "nowhere"]}, "source.columns", "no column nowhere"),
    ],
)
def test_a_data_set_that_cannot_be_used_is_refused_by_its_field(bench, change, field, words):
    source = {"kind": "dataset", "version_id": bench.version(*pairs(2))["id"]} | change
    answer = bench.try_campaign(source)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert words in answer.json()["detail"]


def test_a_version_without_two_answers_says_which_would_do(bench):
    answer = bench.try_campaign({"kind": "dataset", "version_id": bench.version({"prompt": "1+1=", "answer": "2"})["id"]})
    assert answer.status_code == 422
    assert "name the two columns" in answer.json()["detail"]


def test_two_columns_of_any_rows(bench):
    version = bench.version({"prompt": "1+1=", "answer": "2", "small": "3", "large": "2"})
    answer = bench.try_campaign({"kind": "dataset", "version_id": version["id"], "columns": ["small", "large"]})
    task = Task.objects.get(campaign=answer.json()["id"])
    assert (task.first["text"], task.first["model_name"], task.second["text"], task.reference) == ("3", "small", "2", "2")


def test_two_of_a_ranking_with_the_better_one_known(bench):
    version = bench.version({"prompt": "1+1=", "completions": ["5", "2", "3"], "ranks": [3, 1, 2]})
    campaign = bench.try_campaign({"kind": "dataset", "version_id": version["id"]}).json()
    task = Task.objects.get(campaign=campaign["id"])
    better = min((task.first["text"], task.second["text"]), key=["2", "3", "5"].index)
    assert task.known == ("first" if task.first["text"] == better else "second")


def test_messages_are_shown_as_messages(bench):
    rows = {"chosen": [*HI, {"role": "assistant", "content": "A"}], "rejected": [*HI, {"role": "assistant", "content": "B"}]}
    campaign = bench.try_campaign({"kind": "dataset", "version_id": bench.version(rows)["id"]}).json()
    [task] = bench.tasks(campaign, "ann")
    assert task["prompt"] == HI
    assert sorted(side[0]["content"] for side in (task["a"], task["b"])) == ["A", "B"]


def answer(text: str, model: str, right: bool | None = None) -> dict[str, Any]:
    return {"text": text, "model_id": model, "model_name": model.upper(), "step": 40, "right": right}


def samples(bench: Bench, folder: Path, *prompts: dict[str, Any], kind: str = "samples") -> str:
    """The id of an artifact of those prompts."""
    folder.mkdir(exist_ok=True)
    (folder / "samples.jsonl").write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    run = Run.objects.create(project=bench.project, name="sampler", method="generate-samples", state="succeeded")
    return Artifact.objects.create(run=run, attempt=1, kind=kind, path=str(folder)).id


def test_two_answers_of_one_model(bench, tmp_path):
    said = [answer("2", "a", True), answer("3", "a", False), answer("9", "b")]
    made = samples(bench, tmp_path / "s", {"row": 4, "prompt": "1+1=", "answer": "2", "answers": said})
    campaign = bench.try_campaign({"kind": "samples", "artifact_ids": [made]}).json()
    task = Task.objects.get(campaign=campaign["id"])
    assert {task.first["model_id"], task.second["model_id"]} == {"a"}
    assert (task.first if task.known == "first" else task.second)["text"] == "2"
    assert (task.source_row, task.reference, task.first["step"]) == (4, "2", 40)


def test_one_answer_of_each_of_two_models_joined_by_prompt(bench, tmp_path):
    one = samples(bench, tmp_path / "one", {"row": 0, "prompt": "1+1=", "answers": [answer("2", "a")]})
    other = samples(bench, tmp_path / "two", {"row": 0, "prompt": "1+1=", "answers": [answer("3", "b")]})
    source = {"kind": "samples", "artifact_ids": [one, other], "pair": "between"}
    task = Task.objects.get(campaign=bench.try_campaign(source).json()["id"])
    assert (task.first["model_id"], task.second["model_id"]) == ("a", "b")


def test_samples_that_cannot_be_paired_are_refused(bench, tmp_path):
    alone = samples(bench, tmp_path / "one", {"row": 0, "prompt": "1+1=", "answers": [answer("2", "a")]})
    single = bench.try_campaign({"kind": "samples", "artifact_ids": [alone], "pair": "between"})
    assert "one model: A (a)" in single.json()["detail"]
    empty = bench.try_campaign({"kind": "samples", "artifact_ids": [alone]})
    assert "1 with fewer than two answers" in empty.json()["detail"]
    assert "higher temperature" in empty.json()["detail"]
    report = samples(bench, tmp_path / "r", kind="reward_report")
    assert "not samples" in bench.try_campaign({"kind": "samples", "artifact_ids": [report]}).json()["detail"]
    (tmp_path / "one" / "samples.jsonl").unlink()
    assert "are gone" in bench.try_campaign({"kind": "samples", "artifact_ids": [alone]}).json()["detail"]


def rollout(run: Run, cursor: int, step: int, *texts: str) -> None:
    body = {"step": step, "row": cursor, "prompt": f"{cursor}+1=", "reference_answer": "2",
            "answers": [{"text": text, "reward": 1.0, "terms": {}, "length": 1} for text in texts]}
    Rollout.objects.create(run=run, attempt=1, cursor=cursor, step=step, reward=1.0, body=json.dumps(body))


@pytest.fixture
def run(bench: Bench) -> Run:
    run = Run.objects.create(project=bench.project, name="calm-otter", method="grpo", state="succeeded")
    rollout(run, 1, 10, "2", "3", "4")
    rollout(run, 2, 20, "2", "2")
    rollout(run, 3, 30, "5", "6")
    return run


def test_two_answers_of_a_group_with_policy_and_step(bench, run):
    campaign = bench.try_campaign({"kind": "rollouts", "run_id": run.id}).json()
    assert (campaign["tasks"], campaign["left_out"]) == (2, {"equal": 1})
    task = Task.objects.get(campaign=campaign["id"], source_row=3)
    assert (task.first["model_name"], task.first["step"], task.first["model_id"]) == ("calm-otter", 30, run.id)


def test_chosen_steps_and_several_pairs_of_a_prompt(bench, run):
    campaign = bench.try_campaign({"kind": "rollouts", "run_id": run.id, "step_to": 10, "per_prompt": 3}).json()
    assert {frozenset(texts) for _, *texts in shown_texts(campaign)} == {frozenset(two) for two in ("23", "24", "34")}


def test_steps_without_rollouts_are_refused(bench, run):
    answer = bench.try_campaign({"kind": "rollouts", "run_id": run.id, "step_from": 99})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "source.step_from"
    assert "wrote no rollouts" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["dataset", "samples", "rollouts"])
def test_an_empty_source_is_refused_by_its_field_and_nothing_is_kept(bench, tmp_path, kind):
    version = bench.version(*pairs(1))["id"]
    DatasetVersion.objects.update(splits=[{"name": "train", "rows": 0, "size_bytes": 0, "sha256": ""}])
    silent = Run.objects.create(project=bench.project, name="silent", method="grpo", state="cancelled")
    source, field, words = {
        "dataset": ({"version_id": version}, "source", "no pair to compare. Choose a version"),
        "samples": ({"artifact_ids": [samples(bench, tmp_path / "s")]}, "source", "no pair to compare. Sample more answers"),
        "rollouts": ({"run_id": silent.id}, "source.step_from", "wrote no rollouts"),
    }[kind]
    answer = bench.try_campaign({"kind": kind} | source)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert words in answer.json()["detail"]
    assert not Campaign.objects.exists()


def test_a_preview_shows_pairs_and_keeps_nothing(bench):
    source = {"kind": "dataset", "version_id": bench.version(*pairs(9))["id"]}
    seen = bench.call("POST", f"/projects/{bench.project.id}/campaign-preview", {"source": source}).json()
    assert len(seen["pairs"]) == 3
    assert set(seen["pairs"][0]) == {"prompt", "a", "b"}
    assert not Campaign.objects.exists()


def test_words_may_be_changed_and_the_pairs_may_not(bench):
    campaign = bench.campaign()
    path = f"/campaigns/{campaign['id']}"
    assert bench.call("PATCH", path, {"guidelines": "# Be kind"}).json()["guidelines"] == "# Be kind"
    assert bench.call("PATCH", path, {"overlap": 4}).status_code == 422


def test_a_deleted_campaign_is_in_the_bin_and_takes_no_work(bench):
    campaign = bench.campaign()
    assert bench.call("DELETE", f"/campaigns/{campaign['id']}").status_code == 204
    at = f"/projects/{bench.project.id}/campaigns"
    assert bench.get(at)["items"] == []
    assert [one["id"] for one in bench.get(f"{at}?deleted=true")["items"]] == [campaign["id"]]
    assert bench.tasks(campaign, "ann") == []
    bench.at(campaign, "restore", {})
    assert len(bench.tasks(campaign, "ann")) == 3


def test_other_rooms_create_campaigns_without_a_person(bench):
    source = {"kind": "dataset", "version_id": bench.version(*pairs(2))["id"]}
    campaign = create_campaign(bench.project, CampaignIn.model_validate({"name": "A", "source": source}), actor=None)
    assert (campaign.tasks, campaign.created_by) == (2, None)


def test_answers_that_no_database_holds_are_shown_with_a_sign_in_their_place(bench, tmp_path):
    said = [answer("2\x00", "mdl_a"), answer("3", "mdl_a")]
    made = samples(bench, tmp_path / "s", {"row": 1, "prompt": "1+1\x00=", "answers": said})
    campaign = bench.try_campaign({"kind": "samples", "artifact_ids": [made]})
    assert campaign.status_code == 201, campaign.content
    [task] = bench.tasks(campaign.json(), "ann")
    assert (task["prompt"], {task["a"], task["b"]}) == ("1+1\ufffd=", {"2\ufffd", "3"})
