"""Models are described from their files alone; whatever could run code, or is not whole, is refused with a remedy."""

import errno
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runs.accounts.models import User
from runs.library import selectors, services
from runs.library.export import entries
from runs.library.models import LibraryModel
from runs.problems import Problem
from tests.datasets.desk import Desk
from tests.library.conftest import CONFIG, safetensors

Make = Callable[..., Path]


def register(desk: Desk, path: Path | str) -> dict[str, Any]:
    """The model after its inspection."""
    made = desk.post(f"/projects/{desk.project.id}/models", {"name": "Tiny", "source": {"path": str(path)}})
    desk.work(made["job"]["id"])
    return desk.get(f"/models/{made['model']['id']}")  # type: ignore[no-any-return]


def test_a_model_is_described_from_its_files(desk: Desk, make_model: Make) -> None:
    place = make_model()
    model = register(desk, place)
    assert model["state"] == "ready", model["error"]
    assert (model["architecture"], model["parameters"], model["dtype"]) == ("LlamaForCausalLM", 64 * 8 + 8, "bfloat16")
    assert (model["context_length"], model["vocab_size"]) == (128, 64)
    assert model["weights_hash"] == hashlib.sha256((place / "model.safetensors").read_bytes()).hexdigest()
    assert model["tokenizer"] == {"kind": "BPE", "has_chat_template": True, "pad_token": "<pad>", "eos_token": "</s>"}


def test_a_classifier_of_several_labels_is_a_reward_model_only_as_an_ensemble(desk: Desk, make_model: Make) -> None:
    several = CONFIG | {"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}
    refused = register(desk, make_model("foreign", config__json=several))
    assert (refused["state"], refused["error"]["code"]) == ("refused", "not_one_label")
    taken = register(desk, make_model("ensemble", config__json=several | {"reward_objective": "preference"}))
    assert (taken["state"], taken["kind"]) == ("ready", "reward")


def test_shards_are_counted_together_as_their_index_names_them(desk: Desk, make_model: Make) -> None:
    place = make_model(
        model__safetensors=None,
        **{
            "a.safetensors": safetensors({"a": ("F32", [4, 4])}),
            "b.safetensors": safetensors({"b": ("F32", [2])}),
            "other.safetensors": safetensors({"c": ("F32", [100])}),
            "model.safetensors.index.json": {"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}},
        },
    )
    assert register(desk, place)["parameters"] == 18


HEADER = safetensors({"a": ("F32", [4])})
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "pickled weights": ({"pytorch_model.bin": pickle.dumps({"a": 1})}, "pickled_weights", "pytorch_model.bin"),
    "pickled optimizer": ({"optimizer.pt": b"x"}, "pickled_weights", "optimizer.pt"),
    "upper-case pickle": ({"MODEL.PT": b"x"}, "pickled_weights", "MODEL.PT"),
    "own code": ({"config.json": CONFIG | {"auto_map": {"AutoModel": "evil.Model"}}}, "remote_code", "auto_map"),
    "own tokenizer code": (
        {"tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["evil.T", None]}}}, "remote_code", "tokenizer_config.json",
    ),
    "no config": ({"config.json": None}, "no_config", "config.json"),
    "config no json": ({"config.json": b"{"}, "bad_json", "config.json"),
    "config a list": ({"config.json": b"[]"}, "bad_json", "config.json"),
    "config nested without end": ({"config.json": b"[" * 100_000}, "bad_json", "config.json"),
    "no architecture": ({"config.json": {"model_type": "llama"}}, "no_architecture", "architecture"),
    "no weights": ({"model.safetensors": None}, "no_weights", "safetensors"),
    "no tokenizer": ({"tokenizer.json": None}, "no_tokenizer", "tokenizer"),
    "adapter": ({"config.json": None, "adapter_config.json": {}}, "adapter", "adapter"),
    "adapter beside a whole model": (
        {"adapter_config.json": {"base_model_name_or_path": "/models/of/others"}}, "adapter", "unseen",
    ),
    "weights cut": ({"model.safetensors": HEADER[:-1]}, "bad_weights", "model.safetensors"),
    "weights empty": ({"model.safetensors": b""}, "bad_weights", "model.safetensors"),
    "weights are a pickle": ({"model.safetensors": pickle.dumps(list(range(500)))}, "bad_weights", "model.safetensors"),
    "header too long": ({"model.safetensors": b"\xff" * 7 + b"\x7f" + b"{}"}, "bad_weights", "model.safetensors"),
    "header a list": ({"model.safetensors": b"\x02" + bytes(7) + b"[]"}, "bad_weights", "model.safetensors"),
    "shape larger than the data": ({"model.safetensors": HEADER.replace(b"[4]", b"[9]")}, "bad_weights", "a do not fit"),
    "shard missing": (
        {"model.safetensors.index.json": {"weight_map": {"a": "model-2.safetensors"}}}, "missing_shard", "model-2.safetensors",
    ),
    "index without map": ({"model.safetensors.index.json": {}}, "bad_index", "weight_map"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unsafe_or_not_whole_is_refused_with_a_remedy(desk: Desk, make_model: Make, name: str) -> None:
    files, code, word = REFUSED[name]
    model = register(desk, make_model(**files))
    assert (model["state"], model["error"]["code"]) == ("refused", code)
    assert word in model["error"]["message"]
    assert model["error"]["remedy"]


def test_a_pickle_is_never_opened(desk: Desk, make_model: Make, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "canary"),)

    register(desk, make_model(**{"weights.bin": pickle.dumps(Evil()), "model.safetensors": pickle.dumps(Evil())}))
    assert not (tmp_path / "canary").exists()


def test_an_editor_registers_below_the_roots_only(desk: Desk) -> None:
    for path in ("/etc", f"{desk.models}/../secret", "models/tiny"):
        answer = desk.call("POST", f"/projects/{desk.project.id}/models", {"name": "Tiny", "source": {"path": path}})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "source.path"


def test_a_link_out_of_the_roots_is_refused_on_the_worker(desk: Desk, make_model: Make, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    make_model().rename(secret)
    (desk.models / "link").symlink_to(secret)
    assert register(desk, desk.models / "link")["error"]["code"] == "outside_roots"
    inside = make_model("inside", **{"config.json": None})
    (inside / "config.json").symlink_to(secret / "config.json")
    assert register(desk, inside)["error"]["code"] == "outside_roots"


def test_an_administrator_registers_anywhere(desk: Desk, make_model: Make, tmp_path: Path) -> None:
    desk.headers_of("editor")
    User.objects.filter(name="editor").update(is_admin=True)
    place = tmp_path / "elsewhere"
    make_model().rename(place)
    assert register(desk, place)["state"] == "ready"


def test_a_directory_that_is_not_there_is_named(desk: Desk) -> None:
    assert register(desk, desk.models / "nothing")["error"]["code"] == "no_directory"


def test_a_run_takes_a_ready_model_until_it_is_deleted(desk: Desk, make_model: Make) -> None:
    model = register(desk, make_model())
    found = selectors.model_ref(model["id"], project=desk.project)
    assert (found.path, found.weights_hash) == (model["path"], model["weights_hash"])
    desk.call("DELETE", f"/models/{model['id']}")
    assert desk.get(f"/projects/{desk.project.id}/models")["items"] == []
    with pytest.raises(Problem, match="is deleted"):
        selectors.model_ref(model["id"], project=desk.project)
    desk.call("POST", f"/models/{model['id']}/restore")
    assert selectors.model_ref(model["id"], project=desk.project).path == model["path"]


def test_a_model_that_is_refused_or_unknown_takes_no_run(desk: Desk, make_model: Make) -> None:
    refused = register(desk, make_model(**{"model.bin": b""}))
    for identifier in (refused["id"], "mdl_unknown"):
        with pytest.raises(Problem):
            selectors.model_ref(identifier, project=desk.project)


def test_a_runs_product_joins_the_library_with_its_step(desk: Desk, make_model: Make, tmp_path: Path) -> None:
    place = tmp_path / "runs" / "final"
    place.parent.mkdir()
    make_model().rename(place)
    made = services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(place), step=40)
    desk.work(str(made.job_id))
    model = LibraryModel.objects.get(id=made.id)
    assert (model.state, model.source, model.run_id, model.step) == ("ready", "run", "run_a", 40)


def test_a_runs_product_outlives_the_runs_files(desk: Desk, make_model: Make, tmp_path: Path, settings: Any) -> None:
    place = tmp_path / "runs" / "final"
    place.parent.mkdir()
    make_model().rename(place)
    (place / "more").mkdir()
    (place / "more" / "notes.txt").write_text("kept")
    made = services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(place), step=40)
    own = settings.HOME / "models" / made.id
    assert (own / "model.safetensors").samefile(place / "model.safetensors")
    shutil.rmtree(place.parent)
    desk.work(str(made.job_id))
    assert selectors.model_ref(made.id, project=desk.project).path == str(own)
    assert (own / "more" / "notes.txt").read_text() == "kept"


def test_files_of_a_disk_without_links_are_copied(
    desk: Desk, make_model: Make, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    made = services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(make_model()))
    own = settings.HOME / "models" / made.id
    assert (own / "model.safetensors").stat().st_nlink == 1
    assert desk.work(str(made.job_id)).error is None


def test_a_product_that_is_gone_leaves_no_model_and_no_files(desk: Desk, tmp_path: Path, settings: Any) -> None:
    with pytest.raises(Problem, match="are gone"):
        services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(tmp_path / "gone"))
    assert not LibraryModel.objects.exists()
    assert not [*(settings.HOME / "models").iterdir()]


def test_an_adapter_that_a_run_trained_joins_with_its_base(
    desk: Desk, make_model: Make, tmp_path: Path, settings: Any
) -> None:
    base, adapter = make_model(), tmp_path / "runs" / "policy"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base), "r": 8}))
    (adapter / "adapter_model.safetensors").write_bytes(safetensors({"lora": ("F32", [8])}))
    made = services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(adapter), step=40)
    assert desk.work(str(made.job_id)).error is None
    found = selectors.model_ref(made.id, project=desk.project)
    assert (found.path, found.adapter_path) == (str(base), made.path)
    assert Path(made.path) == settings.HOME / "models" / made.id
    assert found.weights_hash != hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize(("config", "kind", "merges"), [
    ({"peft_type": "LORA", "use_dora": True}, "dora", True), ({"peft_type": "LORA"}, "lora", True),
    ({"peft_type": "PREFIX_TUNING"}, "prefix_tuning", False), ({"peft_type": "BOTTLENECK"}, "bottleneck", False),
])
def test_an_adapter_says_its_kind_and_is_merged_only_where_weights_can_express_it(
    desk: Desk, make_model: Make, tmp_path: Path, config: dict[str, Any], kind: str, merges: bool
) -> None:
    base, adapter = make_model(), tmp_path / "policy"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(base)}))
    (adapter / "adapter_model.safetensors").write_bytes(safetensors({"numbers": ("F32", [8])}))
    made = services.register_from_run(desk.project, run_id="run_a", name="calm-otter", path=str(adapter))
    desk.work(str(made.job_id))
    said = desk.get(f"/models/{made.id}")
    assert (said["adapter_kind"], said["can_merge"]) == (kind, merges)
    if not merges:
        refused = desk.call("POST", f"/models/{made.id}/merge", {"name": "Whole"})
        assert (refused.status_code, refused.json()["code"]) == (409, "adapter_beside")
    files = {entry.name: entry.content for entry in entries("m", str(base), str(adapter))}
    words = (files["m/README.txt"] or b"").decode()
    assert config["peft_type"].lower() in words
    assert ("cannot be merged" in words) != merges
    assert ("peft alone does not know" in words) == (kind == "bottleneck")


@pytest.mark.slow
def test_a_hub_model_without_the_network_says_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    body = {"name": "Hub", "source": {"hub": {"name": "nobody/nothing"}}}
    made = desk.post(f"/projects/{desk.project.id}/models", body)
    error = desk.work(made["job"]["id"]).error
    assert error is not None
    assert error["code"] == "hub_unreachable"
    assert "HF_HUB_OFFLINE" in error["remedy"]
    assert desk.get(f"/models/{made['model']['id']}")["state"] == "refused"


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_named_as_the_cause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a worker without a route to it: the library's own client fails, not the file system."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))  # between its tries
    made = desk.post(f"/projects/{desk.project.id}/models", {"name": "Hub", "source": {"hub": {"name": "nobody/nothing"}}})
    error = desk.work(made["job"]["id"]).error
    assert error is not None
    assert error["code"] == "hub_unreachable"
