"""What only the engine can say, asked of the real one in its own process: tokens, the loss mask, the demo's material."""

from pathlib import Path
from typing import Any

import datasets
import pytest
from django.db import transaction

from runs.accounts.models import Project
from runs.datasets.services import create_demo_dataset
from runs.library.models import LibraryModel
from runs.library.services import create_demo_model
from tests.datasets.desk import Desk, jsonl
from workers.contract.records import RecordKind

pytestmark = pytest.mark.slow


@pytest.fixture
def model(desk: Desk) -> dict[str, Any]:
    made, job = create_demo_model(desk.project)
    done = desk.work(job.id)
    assert done.error is None
    return desk.get(f"/models/{made.id}")  # type: ignore[no-any-return]


def test_the_demo_model_is_made_on_the_worker_and_ready(desk: Desk, model: dict[str, Any]) -> None:
    assert (model["state"], model["source"]) == ("ready", "demo")
    assert model["architecture"] == "LlamaForCausalLM"
    assert 500_000 < model["parameters"] < 2_000_000
    assert model["tokenizer"]["eos_token"]


def test_the_demo_data_are_ready_sets_of_each_kind_with_held_out_rows(desk: Desk) -> None:
    with transaction.atomic():
        versions, job = create_demo_dataset(desk.project)
    assert desk.work(job.id).error is None
    shown = {name: desk.get(f"/dataset-versions/{version.id}") for name, version in versions.items()}
    assert {version["state"] for version in shown.values()} == {"ready"}
    assert {version["kind"] for version in shown.values()} | {"prompt"} == {kind.value for kind in RecordKind}
    assert {tuple(split["name"] for split in version["splits"]) for version in shown.values()} == {("train", "test")}
    assert desk.rows(shown["Arithmetic rationales"], limit=1)[0]["extra"].keys() == {"rationale", "answer"}
    assert desk.rows(shown["Arithmetic pairs"], limit=1)[0]["extra"].keys() == {"chosen_safe", "rejected_safe"}
    problems = shown["Arithmetic problems"]
    first = desk.rows(problems, split="test", limit=1)[0]
    left, right = first["prompt"].rstrip("=").split("+")
    assert first["answer"] == str(int(left) + int(right))


def test_tokens_are_counted_and_rows_rendered_with_what_is_trained(desk: Desk, model: dict[str, Any]) -> None:
    rows = [{"prompt": "1" * n + "+1=", "completion": "2"} for n in range(1, 101)]
    version = desk.ingest(desk.send(jsonl(*rows)))
    path = f"/dataset-versions/{version['id']}"
    assert desk.call("GET", f"{path}/stats?model_id={model['id']}").status_code == 404
    desk.work(desk.post(f"{path}/stats", {"model_id": model["id"]})["id"])
    counted = desk.get(f"{path}/stats?model_id={model['id']}")["splits"]["train"]
    assert (counted["rows"], sum(counted["histogram"]["counts"])) == (100, 100)
    assert counted["quantiles"]["p50"] < counted["quantiles"]["p99"] <= counted["quantiles"]["max"]
    job = desk.work(desk.post(f"{path}/render", {"model_id": model["id"], "rows": [0, 99, 500], "max_length": 20})["id"])
    assert job.result is not None
    short, long = job.result["rows"]
    assert (short["index"], short["cut_at"], long["index"]) == (0, None, 99)
    assert long["tokens"] > 20
    trained = "".join(part["text"] for part in short["segments"] if part["trained"])
    assert trained.startswith("2")
    assert "1+1=" in "".join(part["text"] for part in short["segments"] if not part["trained"])


def test_a_model_of_another_project_counts_nothing(desk: Desk, model: dict[str, Any]) -> None:
    version = desk.ingest(desk.send(jsonl({"text": "Once."}, {"text": "Twice."})))
    LibraryModel.objects.filter(id=model["id"]).update(project=Project.objects.create(name="Other"))
    job = desk.work(desk.post(f"/dataset-versions/{version['id']}/stats", {"model_id": model["id"]})["id"])
    assert job.error is not None
    assert f"No model {model['id']}" in job.error["message"]


def test_a_hub_data_set_is_streamed_split_by_split(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Hub is out of reach here, so the library is pointed at files; everything behind its door is the real road."""
    files = {}
    for split, count in (("train", 250), ("test", 3)):
        files[split] = str(tmp_path / f"{split}.jsonl")
        rows = [{"question": f"{split} {n}+1?", "answer": f"So\n#### {n + 1}"} for n in range(count)]
        Path(files[split]).write_bytes(jsonl(*rows))
    load = datasets.load_dataset
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: load("json", data_files=files, streaming=True))
    body = {"name": "Hub", "source": {"hub": {"name": "openai/gsm8k", "config": "main"}}}
    made = desk.post(f"/projects/{desk.project.id}/datasets", body)
    assert desk.work(made["job"]["id"]).error is None
    version = desk.get(f"/dataset-versions/{made['version']['id']}")
    assert {split["name"]: split["rows"] for split in version["splits"]} == {"train": 250, "test": 3}
    assert (version["kind"], version["mapping"]["shape"]) == ("prompt_answer", "gsm8k")
    assert [row["answer"] for row in desk.rows(version, split="test")] == ["1", "2", "3"]


def test_a_hub_data_set_without_the_network_says_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    body = {"name": "Hub", "source": {"hub": {"name": "nobody/nothing"}}}
    made = desk.post(f"/projects/{desk.project.id}/datasets", body)
    error = desk.work(made["job"]["id"]).error
    assert error is not None
    assert error["code"] == "hub_unreachable", error
    assert "HF_HUB_OFFLINE" in error["remedy"]
    assert desk.get(f"/dataset-versions/{made['version']['id']}")["state"] == "refused"
