"""Versions are whole, immutable and readable at any place; what is deleted takes no new run."""

import json
from typing import Any

import pytest

from runs.datasets import selectors, storage
from runs.datasets.models import DatasetVersion
from runs.jobs import services as jobs
from runs.jobs.models import Job
from runs.leases import Fenced
from runs.problems import Problem
from tests.datasets.desk import Desk, jsonl
from workers.contract.records import DatasetManifest
from workers.contract.run_spec import DatasetRef

SUMS = [{"prompt": f"{n}+1=", "completion": str(n + 1), "level": n % 3} for n in range(300)]


def make(desk: Desk, rows: list[Any] = SUMS, **splits: Any) -> dict[str, Any]:
    version = desk.ingest(desk.send(jsonl(*rows)), **splits)
    assert version["state"] == "ready", version["error"]
    return version


def ref(version: dict[str, Any], split: str = "train") -> DatasetRef:
    row = DatasetVersion.objects.select_related("project").get(id=version["id"])
    return selectors.version_ref(row.id, split, project=row.project)


def test_a_version_lies_on_disk_as_its_manifest_says(desk: Desk) -> None:
    version = make(desk)
    place = storage.version_dir(version["dataset_id"], version["id"])
    manifest = DatasetManifest.model_validate_json((place / "manifest.json").read_text())
    assert manifest.content_hash == version["content_hash"]
    assert {path.name for path in place.iterdir()} == {"train.jsonl", "train.index", "manifest.json"}
    assert len((place / "train.jsonl").read_bytes()) == manifest.splits[0].size_bytes


@pytest.mark.parametrize("offset", [0, 1, 63, 64, 65, 128, 298, 299])
def test_any_row_is_found_by_its_number(desk: Desk, offset: int) -> None:
    rows = desk.rows(make(desk), offset=offset, limit=2)
    assert [row["prompt"] for row in rows] == [row["prompt"] for row in SUMS[offset : offset + 2]]
    assert rows[0]["extra"] == {"level": offset % 3}


def test_pages_follow_one_another_to_the_end(desk: Desk) -> None:
    path = f"/dataset-versions/{make(desk)['id']}/rows?limit=70"
    seen: list[int] = []
    following: int | None = 0
    while following is not None:
        page = desk.get(f"{path}&offset={following}")
        seen += [item["index"] for item in page["items"]]
        following = page["next"]
    assert seen == list(range(300))


def test_a_search_finds_text_whatever_its_case_and_goes_on_where_it_stopped(desk: Desk) -> None:
    version = make(desk, [{"prompt": f'Say "{word}"', "completion": "x"} for word in ("ÄPFEL", "Birnen", "äpfel")])
    path = f"/dataset-versions/{version['id']}/rows"
    page = desk.get(f'{path}?q="Äpfel"&limit=1')
    assert ([item["index"] for item in page["items"]], page["next"], page["total"]) == ([0], 1, 3)
    assert [item["index"] for item in desk.get(f'{path}?q="Äpfel"&offset=1')["items"]] == [2]


def test_a_seeded_fraction_splits_alike_twice_and_keeps_equal_prompts_together(desk: Desk) -> None:
    rows = [{"prompt": f"{n % 150}+1=", "completion": f"answer {n}"} for n in range(300)]
    rule = {"mode": "fraction", "test_fraction": 0.2, "seed": 7}
    first, second, other = make(desk, rows, **rule), make(desk, rows, **rule), make(desk, rows, **(rule | {"seed": 8}))
    assert first["content_hash"] == second["content_hash"] != other["content_hash"]
    test, train = ({row["prompt"] for row in desk.rows(first, split=split, limit=200)} for split in ("test", "train"))
    assert not test & train
    assert 30 <= next(split["rows"] for split in first["splits"] if split["name"] == "test") <= 90


def test_a_column_says_the_split(desk: Desk) -> None:
    rows = [row | {"part": ("train", "test", "dev")[n % 3]} for n, row in enumerate(SUMS)]
    version = make(desk, rows, mode="column", column="part")
    assert {split["name"]: split["rows"] for split in version["splits"]} == {"train": 100, "dev": 100, "test": 100}


def test_a_split_name_that_is_a_path_is_refused(desk: Desk) -> None:
    upload = desk.send(jsonl(SUMS[0] | {"part": "../../train"}))
    version = desk.ingest(upload, mode="column", column="part")
    assert version["state"] == "refused"
    assert version["report"]["faults"][0]["field"] == "part"


def test_duplicates_and_empty_texts_are_kept_and_reported_with_their_lines(desk: Desk) -> None:
    version = make(desk, [SUMS[0], SUMS[1], SUMS[0], {"prompt": "", "completion": "1", "level": 0}, SUMS[1]])
    warned = {warning["code"]: warning for warning in version["report"]["warnings"]}
    assert (warned["duplicate"]["count"], warned["duplicate"]["rows"]) == (2, [3, 5])
    assert (warned["empty_text"]["count"], warned["empty_text"]["rows"]) == (1, [4])
    assert version["report"]["rows_kept"] == 5


def test_a_second_version_counts_on_and_the_first_stays(desk: Desk) -> None:
    first = make(desk)
    upload = desk.send(jsonl(*SUMS[:10]))
    body = {"source": {"upload_id": upload["id"]}, "splits": {"mode": "none"}}
    made = desk.post(f"/datasets/{first['dataset_id']}/versions", body)
    desk.work(made["job"]["id"])
    dataset = desk.get(f"/datasets/{first['dataset_id']}")
    assert (dataset["latest"]["number"], dataset["latest"]["rows"], dataset["kind"]) == (2, 10, "demonstration")
    listed = desk.get(f"/datasets/{first['dataset_id']}/versions")["items"]
    assert [(version["number"], version["rows"]) for version in listed] == [(2, 10), (1, 300)]
    assert len(desk.rows(first, limit=200)) == 200


def test_a_run_takes_a_ready_version_by_its_hash(desk: Desk) -> None:
    version = make(desk)
    found = ref(version)
    assert (found.content_hash, found.rows, found.kind) == (version["content_hash"], 300, "demonstration")
    assert found.path == str(storage.version_dir(version["dataset_id"], version["id"]))


def test_a_deleted_data_set_takes_no_new_run_until_it_is_restored(desk: Desk) -> None:
    version = make(desk)
    assert desk.call("DELETE", f"/datasets/{version['dataset_id']}").status_code == 204
    assert desk.get(f"/projects/{desk.project.id}/datasets")["items"] == []
    with pytest.raises(Problem, match="is deleted"):
        ref(version)
    assert desk.call("POST", f"/datasets/{version['dataset_id']}/restore").status_code == 200
    assert ref(version).rows == 300


def test_an_unknown_split_is_refused_with_the_ones_there_are(desk: Desk) -> None:
    version = make(desk)
    with pytest.raises(Problem, match="Choose one of: train"):
        ref(version, "test")
    answer = desk.call("GET", f"/dataset-versions/{version['id']}/rows?split=..%2Ftrain")
    assert answer.status_code == 422


def test_a_version_that_is_not_ready_has_no_rows_and_takes_no_run(desk: Desk) -> None:
    upload = desk.send(jsonl(*SUMS))
    body = {"name": "Sums", "source": {"upload_id": upload["id"]}}
    version = desk.post(f"/projects/{desk.project.id}/datasets", body)["version"]
    assert desk.call("GET", f"/dataset-versions/{version['id']}/rows").status_code == 409
    with pytest.raises(Problem, match="ingesting"):
        ref(version)


def test_a_cancel_before_the_start_leaves_the_version_cancelled(desk: Desk) -> None:
    upload = desk.send(jsonl(*SUMS))
    made = desk.post(f"/projects/{desk.project.id}/datasets", {"name": "Sums", "source": {"upload_id": upload["id"]}})
    desk.call("POST", f"/jobs/{made['job']['id']}/cancel")
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["state"] == "cancelled"


def test_a_cancel_in_the_middle_leaves_no_file(desk: Desk) -> None:
    upload = desk.send(jsonl(*SUMS))
    made = desk.post(f"/projects/{desk.project.id}/datasets", {"name": "Sums", "source": {"upload_id": upload["id"]}})
    desk.work(made["job"]["id"], cancelled_while_it_runs=True)
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["state"] == "cancelled"
    assert list(storage.dataset_dir(made["dataset"]["id"]).iterdir()) == []


def test_a_stale_attempt_cannot_settle_a_version(desk: Desk) -> None:
    upload = desk.send(jsonl(*SUMS))
    made = desk.post(f"/projects/{desk.project.id}/datasets", {"name": "Sums", "source": {"upload_id": upload["id"]}})
    attempt = jobs.claim(made["job"]["id"], owner="wrk_slow")
    assert attempt is not None
    with pytest.raises(Fenced):
        jobs.succeed(made["job"]["id"], attempt - 1, {"kind": "text", "rows": 1})
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["state"] == "ingesting"


def test_a_second_attempt_replaces_what_the_first_left(desk: Desk) -> None:
    upload = desk.send(jsonl(*SUMS))
    made = desk.post(f"/projects/{desk.project.id}/datasets", {"name": "Sums", "source": {"upload_id": upload["id"]}})
    place = storage.version_dir(made["dataset"]["id"], made["version"]["id"])
    left = place.with_name(f".{place.name}-1")
    for directory in (place, left):
        directory.mkdir(parents=True)
        (directory / "train.jsonl").write_text("half")
    Job.objects.filter(id=made["job"]["id"]).update(attempt=1)
    desk.work(made["job"]["id"])
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["rows"] == 300
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert json.loads((place / "train.jsonl").read_bytes().splitlines()[0])["prompt"] == "0+1="


def test_data_sets_are_found_by_name_and_kind(desk: Desk) -> None:
    make(desk)
    path = f"/projects/{desk.project.id}/datasets"
    assert len(desk.get(f"{path}?q=row&kind=demonstration")["items"]) == 1
    assert desk.get(f"{path}?kind=preference")["items"] == []
    assert desk.get(f"{path}?q=nothing")["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"source": {}}, 422, "source"),
        ({"source": {"upload_id": "upl_unknown"}}, 422, "source.upload_id"),
        ({"source": {"hub": {"name": "../etc"}}}, 422, "source.hub.name"),
        ({"source": {"upload_id": "upl_unknown"}, "splits": {"mode": "column"}}, 422, "splits"),
        ({"source": {"upload_id": "upl_unknown"}, "colour": "red"}, 422, "colour"),
    ],
)
def test_a_wrong_request_is_refused_by_field(desk: Desk, body: dict[str, Any], status: int, field: str) -> None:
    answer = desk.call("POST", f"/projects/{desk.project.id}/datasets", {"name": "Sums"} | body)
    assert answer.status_code == status
    assert field in answer.json()["errors"][0]["field"]
