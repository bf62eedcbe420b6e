"""What people said as data: rows with their provenance, the rule for ties, versions, files that `datasets` loads."""

from typing import Any

import pytest

from runs.annotation.models import Campaign, Task
from runs.annotation.services import export_version
from runs.annotation.services.exports import export_file
from runs.datasets.models import DatasetVersion
from runs.jobs import services as jobs
from runs.jobs.models import Job
from tests.annotation.bench import Bench
from workers.agent.jobs.annotation_export import run

COLUMNS = {"preference": ["prompt", "chosen", "rejected"], "unpaired": ["prompt", "completion", "label"]}
VERDICTS = ["a_much", "b", "tie", "both_bad", "skip"]


@pytest.fixture
def judged(bench: Bench) -> dict[str, Any]:
    """A campaign of five pairs with one verdict of each sort."""
    campaign = bench.campaign(5)
    for task, verdict in zip(bench.tasks(campaign, "ann"), VERDICTS, strict=True):
        bench.judge(campaign, "ann", task, verdict, seconds=2.5, comment="so")
    return campaign


def export(bench: Bench, campaign: dict[str, Any], shape: str = "preference", status: int = 201) -> dict[str, Any]:
    """An export with its jobs done."""
    made = bench.at(campaign, "exports", {"shape": shape}, status=status)
    if made["state"] == "writing":
        bench.work(made["job_id"])
        bench.work(bench.get(f"/campaign-exports/{made['id']}")["job_id"])
    return bench.get(f"/campaign-exports/{made['id']}")  # type: ignore[no-any-return]


def rows_of(bench: Bench, made: dict[str, Any]) -> list[dict[str, Any]]:
    return bench.rows({"id": made["version_id"]})


def sides(campaign: dict[str, Any], number: int) -> tuple[str, str]:
    task = Task.objects.get(campaign=campaign["id"], number=number)
    first, second = task.first["text"], task.second["text"]
    return (second, first) if task.swapped else (first, second)


def test_a_preferred_side_is_a_row_with_who_when_and_how_sure(bench, judged):
    made = export(bench, judged)
    assert (made["state"], made["rows"], made["version_number"]) == ("ready", 2, 1)
    assert made["left_out"] == {"tie": 1, "both_bad": 1, "skip": 1}
    much, better = rows_of(bench, made)
    assert (much["chosen"], much["rejected"]) == sides(judged, 1)
    assert (better["rejected"], better["chosen"]) == sides(judged, 2)
    extra = much["extra"]
    task = Task.objects.get(campaign=judged["id"], number=1)
    assert (extra["annotator"], extra["strength"], extra["verdict"], extra["seconds"]) == ("Ann", 2, "a_much", 2.5)
    assert (extra["campaign"], extra["campaign_id"], extra["task_id"]) == ("Sums", judged["id"], task.id)
    assert (extra["judged_at"][:2], extra["comment"], better["extra"]["strength"]) == ("20", "so", 1)
    assert {"chosen_model", "chosen_step", "rejected_model", "rejected_step", "annotator_id"} <= set(extra)
    version = bench.get(f"/dataset-versions/{made['version_id']}")
    assert (version["kind"], version["source"]["campaign_id"]) == ("preference", judged["id"])
    assert (version["source"]["campaign"], version["source"]["drawn_from"]) == ("Sums", [judged["source"]["version_id"]])


def test_the_unpaired_shape_says_good_and_bad(bench, judged):
    made = export(bench, judged, "unpaired")
    assert made["left_out"] == {"tie": 1, "skip": 1}
    rows = [(row["completion"], row["label"]) for row in rows_of(bench, made)]
    (a1, b1), (a2, b2), (a4, b4) = (sides(judged, number) for number in (1, 2, 4))
    assert rows == [(a1, True), (b1, False), (a2, False), (b2, True), (a4, False), (b4, False)]
    assert bench.get(f"/dataset-versions/{made['version_id']}")["kind"] == "unpaired"


def test_the_policy_and_its_step_go_with_each_row(bench, judged):
    task = Task.objects.get(campaign=judged["id"], number=1)
    task.first |= {"model_name": "calm-otter", "model_id": "ckp_1", "step": 40}
    task.save()
    [first, *_] = rows_of(bench, export(bench, judged))
    side = "chosen" if first["chosen"] == task.first["text"] else "rejected"
    said = [first["extra"][f"{side}_{name}"] for name in ("model", "model_id", "step")]
    assert said == ["calm-otter", "ckp_1", 40]


def test_an_export_of_the_same_judgments_is_the_same_export(bench, judged):
    assert bench.at(judged, "export-counts")["unchanged_since"] is None
    made = export(bench, judged)
    assert bench.at(judged, "export-counts")["unchanged_since"] == 1
    assert export(bench, judged, status=200)["id"] == made["id"]
    bench.at(judged, "reopen", {})
    [task] = bench.tasks(judged, "bob")
    bench.judge(judged, "bob", task)
    again = export(bench, judged)
    assert (again["dataset_id"], again["version_number"], again["rows"]) == (made["dataset_id"], 2, 3)
    assert bench.at(judged, "export-counts")["next_version"] == 3
    assert [one["id"] for one in bench.at(judged, "exports")] == [again["id"], made["id"]]


def test_a_resolution_stands_instead_of_the_judgments(bench):
    campaign = bench.campaign(1, overlap=2)
    [task] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", task, "a")
    bench.judge(campaign, "bob", task, "b")
    assert bench.at(campaign, "export-counts")["rows"] == 2
    bench.at(campaign, f"tasks/{task['id']}/resolution", {"verdict": "b_much"})
    counts = bench.at(campaign, "export-counts")
    assert (counts["rows"], counts["left_out"]) == (1, {"overruled": 2})
    [row] = rows_of(bench, export(bench, campaign))
    assert (row["chosen"], row["extra"]["resolved"], row["extra"]["annotator"]) == (task["b"], True, "editor")


def test_nothing_to_export_is_said_before_a_job_starts(bench):
    campaign = bench.campaign(2)
    assert bench.at(campaign, "exports", {}, status=409)["code"] == "nothing_to_export"
    assert bench.at(campaign, "exports") == []


def test_a_job_that_is_done_twice_makes_one_version(bench, judged):
    made = bench.at(judged, "exports", {}, status=201)
    attempt = jobs.claim(made["job_id"], owner="wrk_test")
    job = Job.objects.get(id=made["job_id"])
    assert attempt == 1
    results = [run(bench._context(job)) for _ in range(2)]
    assert results[0]["version_id"] == results[1]["version_id"]
    assert DatasetVersion.objects.filter(source__export_id=made["id"]).count() == 1


def test_other_rooms_export_without_a_person(bench, judged):
    made, new = export_version(Campaign.objects.get(id=judged["id"]), "preference", actor=None)
    assert (new, made.created_by) == (True, None)
    assert bench.work(made.job_id).state == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "columns"), COLUMNS.items())
@pytest.mark.parametrize(("name", "loader"), [("jsonl", "json"), ("parquet", "parquet")])
def test_the_files_are_loaded_by_datasets(bench, judged, tmp_path, shape, columns, name, loader):
    import datasets

    made = export(bench, judged, shape)
    answer = bench.call("GET", f"/campaign-exports/{made['id']}/file?format={name}")
    assert answer.status_code == 200
    assert f'.{name}"' in answer["Content-Disposition"]
    path = tmp_path / f"labels.{name}"
    path.write_bytes(answer.content)
    loaded = datasets.load_dataset(loader, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    given, kept = ([{name: row[name] for name in columns} for row in rows] for rows in (loaded, rows_of(bench, made)))
    assert given == kept
    assert loaded[0]["annotator"] == "Ann"


def test_a_file_that_is_not_written_yet_is_not_there(bench, judged):
    made = bench.at(judged, "exports", {}, status=201)
    assert bench.call("GET", f"/campaign-exports/{made['id']}/file").status_code == 404
    assert not export_file(made["id"], "jsonl").exists()


def test_texts_and_messages_in_one_campaign_become_messages(bench):
    campaign = bench.campaign(2)
    Task.objects.filter(campaign=campaign["id"], number=1).update(prompt=[{"role": "user", "content": "Hi"}])
    bench.judge_all(campaign, "ann")
    for row in rows_of(bench, export(bench, campaign)):
        assert [turn["role"] for turn in (*row["prompt"], *row["chosen"], *row["rejected"])] == ["user", "assistant", "assistant"]
