"""A model leaves as an archive and is merged into one: transformers and peft load what comes out, and say the same."""

import io
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from runs.library.export import Entry, archive, archive_answer, archive_bytes, entries
from runs.library.models import LibraryModel
from runs.problems import Conflict
from tests.datasets.desk import Desk
from tests.engine.builders import small_model

IDS = torch.tensor([[10, 20, 30, 40]])


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


@pytest.fixture
def adapter(desk: Desk) -> LibraryModel:
    """A ready model of a base and an adapter that changes what it says."""
    base = small_model(desk.models / "base")
    torch.manual_seed(1)
    loaded: Any = AutoModelForCausalLM.from_pretrained(base)
    adapted = get_peft_model(loaded, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    place = desk.models / "adapter"
    adapted.save_pretrained(str(place))
    AutoTokenizer.from_pretrained(base).save_pretrained(place)
    return LibraryModel.objects.create(project=desk.project, name="Sums, adapted", source="run", state="ready", path=str(base),
                                       adapter_path=str(place), run_id="run_x")


def unpacked(desk: Desk, path: str, to: Path) -> Path:
    headers = desk.headers_of("viewer")

    async def content() -> bytes:
        answer: Any = await AsyncClient().get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 200
        whole = b"".join([part async for part in answer.streaming_content])
        assert len(whole) == int(answer["Content-Length"])
        return whole

    with tarfile.open(fileobj=io.BytesIO(async_to_sync(content)())) as tar:
        tar.extractall(to, filter="data")
    (folder,) = to.iterdir()
    return folder


@pytest.mark.django_db(transaction=True)
def test_an_adapter_leaves_beside_its_base_and_peft_loads_both(desk: Desk, adapter: LibraryModel, tmp_path: Path) -> None:
    folder = unpacked(desk, f"/models/{adapter.id}/export", tmp_path / "out")
    assert str(desk.models) not in (folder / "adapter" / "adapter_config.json").read_text()
    base: Any = AutoModelForCausalLM.from_pretrained(folder / "base")
    ours: Any = AutoModelForCausalLM.from_pretrained(adapter.path)
    plain = logits(ours)
    expected = logits(PeftModel.from_pretrained(ours, adapter.adapter_path))
    assert torch.equal(logits(PeftModel.from_pretrained(base, folder / "adapter")), expected)
    assert not torch.allclose(plain, expected)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_merged_model_says_what_its_adapter_said_and_leaves_whole(desk: Desk, adapter: LibraryModel, tmp_path: Path) -> None:
    made = desk.post(f"/models/{adapter.id}/merge", {"name": "Sums, whole"})
    assert desk.work(made["job"]["id"]).state == "succeeded"
    merged = desk.get(f"/models/{made['model']['id']}")
    assert (merged["state"], merged["merged_from"], merged["is_adapter"]) == ("ready", adapter.id, False)
    folder = unpacked(desk, f"/models/{merged['id']}/export", tmp_path / "out")
    base: Any = AutoModelForCausalLM.from_pretrained(adapter.path)
    expected = logits(PeftModel.from_pretrained(base, adapter.adapter_path))
    loaded: Any = AutoModelForCausalLM.from_pretrained(folder)
    assert torch.allclose(logits(loaded), expected, atol=1e-5)
    assert AutoTokenizer.from_pretrained(folder).chat_template
    again = desk.call("POST", f"/models/{merged['id']}/merge", {"name": "Twice"})
    assert (again.status_code, again.json()["code"]) == (409, "no_adapter")
    nodes = {node["id"] for node in desk.get(f"/models/{merged['id']}/lineage")["nodes"]}
    assert {adapter.id, merged["id"]} <= nodes


def test_an_archive_holds_one_block_in_memory_whatever_its_size(tmp_path: Path) -> None:
    big = tmp_path / "model.safetensors"
    with big.open("wb") as file:
        file.truncate(64 * 2**20)
    given = [Entry("m/model.safetensors", big, big.stat().st_size)]
    tracemalloc.start()
    size = sum(len(block) for block in archive(given))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == archive_bytes(given)
    assert peak < 4 * 2**20


def test_a_file_that_changes_while_it_is_read_breaks_the_archive(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"{}")
    with pytest.raises(OSError, match="has changed"):
        list(archive([Entry("m/config.json", file, 3)]))


@pytest.mark.parametrize(("name", "file"), [("../../etc/x", "etc-x.tar"), ("a/b: c", "a-b--c.tar"), ("..", "model.tar"),
                                            ("x\r\nSet-Cookie: a", "x--Set-Cookie--a.tar")])
def test_an_archive_is_offered_under_a_name_that_leads_nowhere(name: str, file: str) -> None:
    assert archive_answer(name, [])["Content-Disposition"] == f'attachment; filename="{file}"'


def test_only_the_models_own_files_leave(tmp_path: Path) -> None:
    place = tmp_path / "model"
    place.mkdir()
    for name in ("config.json", ".secret", "optimizer.safetensors", "model.safetensors"):
        (place / name).write_bytes(b"x")
    (place / "folder").mkdir()
    assert [one.name for one in entries("a/b: c", str(place))] == ["a-b--c/config.json", "a-b--c/model.safetensors"]
    with pytest.raises(Conflict, match="are gone"):
        entries("gone", str(tmp_path / "gone"))


@pytest.mark.django_db
def test_a_model_that_is_not_ready_does_not_leave(desk: Desk) -> None:
    model = LibraryModel.objects.create(project=desk.project, name="x", source="path", state="inspecting")
    answer = desk.call("GET", f"/models/{model.id}/export")
    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready")
