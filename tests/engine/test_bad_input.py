"""Bad input ends in a fault that says what and how to mend it, never in a bare traceback."""

import json
from pathlib import Path

import pytest

from tests.engine.builders import dataset, events, of_type, small_model, spec, sums, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef
from workers.engine.faults import ConfigFault, DataFault, DiskFault, ModelFault, NotFiniteFault
from workers.engine.modeling.loading import load_causal, load_tokenizer
from workers.engine.modeling.tiny_model import make_tokenizer
from workers.engine.preflight import report
from workers.engine.training import checkpoint, loop


@pytest.fixture
def data(tmp_path: Path) -> DatasetRef:
    return dataset(tmp_path / "data", sums(6))


def test_pickled_weights_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"not even a pickle")
    with pytest.raises(ModelFault, match="pickled") as refused:
        load_causal(str(tmp_path))
    assert "safetensors" in refused.value.remedy


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match=r"config\.json is missing"):
        load_causal(str(tmp_path))


def test_torn_weights_are_refused_by_name(tmp_path: Path) -> None:
    small_model(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelFault, match="cannot be loaded"):
        load_causal(str(tmp_path))


def test_a_tokenizer_without_pad_token_pads_with_its_end_token(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(str(tmp_path)).pad_token == "<|end|>"


def test_an_unknown_config_field_is_named(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    with pytest.raises(ConfigFault, match="lerning_rate"):
        train(spec(tmp_path / "run", model=small, data=data, lerning_rate=1))


def test_a_length_beyond_the_context_is_refused_with_the_bound(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    with pytest.raises(ConfigFault, match="context of 256") as refused:
        train(spec(tmp_path / "run", model=small, data=data, max_length=300))
    assert "256 or less" in refused.value.remedy


def test_prompts_that_leave_no_room_to_train_are_refused(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "long", [{"prompt": "x" * 90, "completion": "y"}])
    with pytest.raises(DataFault, match="No row of the data set gives anything"):
        train(spec(tmp_path / "run", model=small, data=data))


def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    path = Path(data.path) / "train.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], '{"prompt": 7}', *lines[4:]]) + "\n")
    with pytest.raises(DataFault, match="Row 4"):
        train(spec(tmp_path / "run", model=small, data=data))


def test_a_model_whose_directory_is_gone_is_told_so(tmp_path: Path, data: DatasetRef) -> None:
    gone = tmp_path / "models" / "mdl_x"
    with pytest.raises(ModelFault) as refused:
        train(spec(tmp_path / "run", model=gone, data=data))
    assert refused.value.message == f"The directory {gone} is missing."
    assert "choose another model" in refused.value.remedy
    found = report(spec(tmp_path / "run", model=gone, data=data)).findings
    assert [finding.message for finding in found] == [f"{refused.value.message} {refused.value.remedy}"]


def test_a_missing_split_is_named(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    with pytest.raises(DataFault, match="no split 'nowhere'"):
        train(spec(tmp_path / "run", model=small, data=data.model_copy(update={"split": "nowhere"})))


def test_a_loss_that_is_not_a_number_fails_with_step_and_rows(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "factor", lambda *_, **__: float("nan"))
    with pytest.raises(NotFiniteFault, match=r"step 2 .*data rows \d"):
        train(spec(tmp_path / "run", model=small, data=data))


def test_skipping_leaves_the_update_out_and_says_so(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "factor", lambda *_, **__: float("nan"))
    monkeypatch.setattr(loop, "SKIPS_ALLOWED", 2)
    given = spec(tmp_path / "run", model=small, data=data, on_not_finite="skip")
    with pytest.raises(NotFiniteFault):
        train(given)
    alerts = of_type(events(tmp_path / "run"), "alert")
    assert [(alert.code, alert.step) for alert in alerts] == [("not_finite", 2), ("not_finite", 3)]


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DiskFault, match="MB free"):
        checkpoint.reserve(tmp_path, 1 << 60)


def test_preflight_finds_every_wrong_field_at_once(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    found = report(spec(tmp_path / "run", model=small, data=data, learning_rate=5, max_length=1))
    assert not found.ready
    assert {finding.field for finding in found.findings if finding.level == "error"} == {"learning_rate", "max_length"}


def test_preflight_offers_the_length_that_fits(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "long", [{"prompt": "x" * 90, "completion": "y"}])
    found = report(spec(tmp_path / "run", model=small, data=data))
    (finding,) = [finding for finding in found.findings if finding.level == "error"]
    assert (finding.code, finding.field) == ("prompt_too_long", "max_length")
    assert finding.fix is not None
    assert finding.fix.set == {"max_length": 96}


def test_preflight_names_a_kind_that_the_method_does_not_read(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "pairs", [{"prompt": "a", "chosen": "b", "rejected": "c"}], kind=RecordKind.PREFERENCE)
    found = report(spec(tmp_path / "run", model=small, data=data))
    assert [finding.code for finding in found.findings if finding.level == "error"] == ["data_kind"]


def test_preflight_finds_a_tokenizer_larger_than_its_model(tmp_path: Path, data: DatasetRef) -> None:
    model = small_model(tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"vocab_size": 100}))
    found = report(spec(tmp_path / "run", model=model, data=data))
    assert [finding.code for finding in found.findings if finding.level == "error"] == ["vocabulary"]


def test_preflight_finds_conversations_without_a_template(tmp_path: Path) -> None:
    model = small_model(tmp_path / "model")
    (model / "chat_template.jinja").unlink()
    data = dataset(tmp_path / "chat", [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}],
                   kind=RecordKind.CONVERSATION)
    found = report(spec(tmp_path / "run", model=model, data=data, method="sft-dialogue"))
    assert any("no chat template" in finding.message for finding in found.findings if finding.level == "error")


def test_a_sound_spec_is_ready_with_memory_and_time_and_writes_nothing(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    found = report(spec(tmp_path / "run", model=small, data=data))
    assert found.ready
    assert found.memory is not None
    assert found.memory.total > 0
    assert found.step_seconds
    assert found.steps == 6
    assert not (tmp_path / "run").exists()
