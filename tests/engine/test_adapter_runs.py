"""Runs with every kind of adapter: learning, exact resume, products; what is refused; bfloat16, checkpointing, compiling."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch._inductor import compile_fx
from transformers import modeling_utils

from tests.engine import online_builders
from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sum_pairs, sums, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind, ModelRef, RunSpec
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.methods import sft_instruct
from workers.engine.modeling import adapter_checks, adapters, merging
from workers.engine.modeling.adaptive_rank import AdaptiveRank
from workers.engine.modeling.compiled import Compiled
from workers.engine.modeling.loading import load_causal
from workers.engine.modeling.models import Model, Scorer, frozen
from workers.engine.preflight import report
from workers.engine.sample import batch_of
from workers.engine.training import optimizers
from workers.engine.training.training_config import merges

KINDS: dict[str, dict[str, Any]] = {
    "lora": {"lora_dropout": 0.1}, "rslora": {}, "dora": {}, "adalora": {"adalora_init_r": 6, "adalora_target_r": 2},
    "curlora": {}, "prefix": {"prefix_projection": True}, "p_tuning_v2": {}, "ia3": {}, "bottleneck": {}}
METHODS = {"sft-instruct": sums, "rm-bt": sum_pairs, "dpo": sum_pairs, "grpo": None, "ppo": None}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """accelerate takes one precision for a process; here runs of both share one."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


def given(folder: Path, model: Path, method: str = "sft-instruct", *, name: str = "run", **more: Any) -> RunSpec:
    chosen = {"max_steps": 4, "learning_rate": 1e-2, "num_virtual_tokens": 4} | more
    rows = METHODS[method]
    if rows is None:
        return online_builders.given(folder, model, name=name, method=method, **chosen)
    kind = RecordKind.PREFERENCE if rows is sum_pairs else RecordKind.DEMONSTRATION
    made = spec(folder / name, model=model, data=dataset(folder / "data", rows(12), kind=kind), method=method, **chosen)
    return made.model_copy(update={"models": {"reward" if method == "rm-bt" else "policy": ModelRef(path=str(model))}})


def reduced(made: RunSpec) -> RunSpec:
    return made.model_copy(update={"resources": made.resources.model_copy(update={"precision": "bfloat16"})})


@pytest.mark.parametrize("method", ["sft-instruct", "rm-bt"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_any_adapter_learns_and_resumes_to_the_bit(tmp_path: Path, small: Path, kind: str, method: str) -> None:
    def made(name: str) -> RunSpec:
        return given(tmp_path, small, method, name=name, use_peft=True, adapter=kind, **KINDS[kind])

    whole, rest = straight_and_resumed(made)
    for metric in ("loss", "grad_norm"):
        assert curve(rest, metric) == curve(whole, metric, after=2)
    assert curve(whole)[4] < curve(whole)[1]
    kept = "adapter" if kind in {"prefix", "p_tuning_v2", "bottleneck"} else {"rm-bt": "reward_model"}.get(method, "model")
    assert of_type(whole, "artifact")[-1].kind == kept
    places = [Path(of_type(found, "artifact")[-1].path) for found in (whole, rest)]
    for file in places[0].glob("*.safetensors"):
        assert file.read_bytes() == (places[1] / file.name).read_bytes()


@pytest.mark.parametrize(("kind", "method"), [
    ("adalora", "ppo"), ("prefix", "ppo"), ("bottleneck", "grpo"), ("prefix", "dpo"), ("dora", "dpo")])
def test_policies_and_critics_carry_adapters_and_resume(tmp_path: Path, small: Path, kind: str, method: str) -> None:
    online = {"beta": 0.05} if method in {"ppo", "grpo"} else {}
    whole, rest = straight_and_resumed(lambda name: given(
        tmp_path, small, method, name=name, use_peft=True, adapter=kind, **KINDS[kind], **online))
    for metric in sorted({name for event in of_type(whole, "metrics") for name in event.values} - {"step_time"}):
        assert curve(rest, metric) == curve(whole, metric, after=2), metric
    assert all(torch.isfinite(torch.tensor(list(curve(whole).values()))))


def test_adalora_drops_to_its_budget_and_stays(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, use_peft=True, adapter="adalora", max_steps=10, save_steps=0, **KINDS["adalora"]))
    ranks = curve(found, "rank/total")
    matrices = 2 * 7
    assert (ranks[1], ranks[7], ranks[10]) == (6 * matrices, 2 * matrices, 2 * matrices)
    assert sorted(ranks.values(), reverse=True) == list(ranks.values())


def test_the_final_product_answers_as_the_trained_model(tmp_path: Path, small: Path) -> None:
    batch = batch_of([online_builders.sample(5, 0, 0.0, seed=1)], torch.device("cpu"))
    for kind in ("dora", "prefix", "bottleneck", "curlora"):
        found = train(given(tmp_path, small, name=kind, use_peft=True, adapter=kind, **KINDS[kind]))
        final = of_type(found, "artifact")[-1]
        checkpoint = tmp_path / kind / "checkpoints" / "step-00000004" / "policy"
        there = adapters.carrying(load_causal(str(small)), str(checkpoint))
        expected = Model(Scorer(there), torch.device("cpu"), trained=False).score(batch).logprobs
        ref = ModelRef(path=final.path) if final.kind == "model" else ModelRef(path=str(small), adapter_path=final.path)
        torch.testing.assert_close(frozen(ref, torch.device("cpu")).score(batch).logprobs, expected, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_merged_is_refused_by_the_merge_and_by_a_run_that_would_go_on_from_it(tmp_path: Path, small: Path) -> None:
    train(given(tmp_path, small, name="first", use_peft=True, adapter="bottleneck", max_steps=1))
    place = str(tmp_path / "first" / "final")
    request = {"base_path": str(small), "adapter_path": place, "kind": ModelKind.CAUSAL, "to": str(tmp_path / "merged")}
    with pytest.raises(ModelFault, match="bottleneck networks"):
        merging.merge(request)
    again = given(tmp_path, small, name="again", max_steps=1)
    again.models["policy"] = ModelRef(path=str(small), adapter_path=place)
    with pytest.raises(ModelFault, match="bottleneck networks"):
        train(again)


@pytest.mark.parametrize(("config", "field", "remedy"), [
    ({"use_peft": True, "adapter": "prefix", "merge_adapter": True}, "merge_adapter", "off"),
    ({"use_peft": True, "adapter": "bottleneck", "merge_adapter": True}, "merge_adapter", "off"),
    ({"use_peft": True, "adapter": "adalora", "adalora_target_r": 13}, "adalora_target_r", "Lower"),
    ({"use_peft": True, "adapter": "adalora", "adalora_tinit": 0.5, "adalora_tfinal": 0.5}, "adalora_tfinal", "below 1"),
    ({"use_peft": True, "adapter": "prefix", "max_length": 250}, "max_length", "236"),
    ({"load_in_4bit": True}, "load_in_4bit", "use_peft"),
    ({"load_in_4bit": True, "use_peft": True, "adapter": "ia3"}, "load_in_4bit", "lora"),
    ({"load_in_4bit": True, "use_peft": True}, "load_in_4bit", "GPU"),
    ({"optim": "adamw_8bit"}, "optim", "adafactor"),
])
def test_settings_that_cannot_work_are_refused_with_field_and_remedy(config: dict[str, Any], field: str, remedy: str) -> None:
    made = sft_instruct.Config.model_validate({"max_length": 64} | config)
    with pytest.raises(ConfigFault) as caught:
        adapter_checks.check(made, context_length=256, gpus=0)
    assert caught.value.field == field
    assert field in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="refused only where CUDA is missing")
def test_four_bits_are_refused_where_the_worker_has_no_cuda() -> None:
    made = sft_instruct.Config.model_validate({"use_peft": True, "load_in_4bit": True})
    with pytest.raises(ConfigFault, match="needs CUDA, which this worker does not have"):
        adapter_checks.check(made, context_length=256, gpus=1)


def test_an_adapter_merges_by_itself_only_where_it_can() -> None:
    def config(**more: Any) -> Any:
        return sft_instruct.Config.model_validate({"use_peft": True} | more)

    assert merges(config())
    assert not merges(config(merge_adapter=False))
    assert not merges(config(adapter="prefix"))
    assert not merges(config(load_in_4bit=True))


def test_preflight_counts_what_is_trained_and_names_the_field_of_what_is_refused(tmp_path: Path, small: Path) -> None:
    found = report(given(tmp_path, small, use_peft=True, adapter="p_tuning_v2"))
    assert found.ready
    assert found.trainable == 4 * 2 * 2 * 32
    assert found.memory is not None
    assert (found.memory.gradients, found.memory.optimizer) == (4 * found.trainable, 8 * found.trainable)
    refused = report(given(tmp_path, small, use_peft=True, adapter="prefix", merge_adapter=True))
    assert [(finding.field, finding.level) for finding in refused.findings] == [("merge_adapter", "error")]


@pytest.mark.parametrize("method", METHODS)
def test_every_trainer_learns_in_bfloat16_near_its_float32_curve(tmp_path: Path, small: Path, method: str) -> None:
    whole = train(given(tmp_path, small, method, name="whole", learning_rate=1e-3))
    AcceleratorState._reset_state()
    short = train(reduced(given(tmp_path, small, method, name="short", learning_rate=1e-3)))
    norms = curve(short, "grad_norm")
    assert all(torch.isfinite(torch.tensor([*curve(short).values(), *norms.values()])))
    assert norms != curve(whole, "grad_norm")
    assert norms[1] == pytest.approx(curve(whole, "grad_norm")[1], rel=0.3, abs=0.02)
    if METHODS[method] is not None:
        assert curve(short)[4] < curve(short)[1]
        assert curve(short)[1] == pytest.approx(curve(whole)[1], rel=1e-2)


@pytest.mark.parametrize("config", [{}, {"use_peft": True}, {"use_peft": True, "adapter": "prefix"}])
def test_gradient_checkpointing_changes_no_curve(
    tmp_path: Path, small: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    checkpointed = torch.utils.checkpoint.checkpoint

    def counted(*inputs: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return checkpointed(*inputs, **more)

    monkeypatch.setattr(modeling_utils, "checkpoint", counted)
    without = train(given(tmp_path, small, name="without", **config))
    assert asked == 0
    found = train(given(tmp_path, small, name="with", gradient_checkpointing=True, **config))
    assert asked == 4 * 2
    for metric in ("loss", "grad_norm"):
        assert list(curve(found, metric).values()) == pytest.approx(list(curve(without, metric).values()), rel=1e-5)


def test_adafactor_learns_and_resumes_to_the_bit_with_less_kept(tmp_path: Path, small: Path) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, optim="adafactor", learning_rate=1e-2))
    assert curve(rest) == curve(whole, after=2)
    assert curve(whole)[4] < curve(whole)[1]
    module = nn.Linear(32, 16)
    chosen = sft_instruct.Config.model_validate({"optim": "adafactor"})
    assert optimizers.kept_bytes(module, chosen) == 4 * (32 + 16 + 16)
    optimizer = optimizers.make(module, chosen)
    module(torch.ones(1, 32)).sum().backward()
    optimizer.step()
    held = [value for entry in optimizer.state_dict()["state"].values() for name, value in entry.items() if name != "step"]
    assert sum(4 * value.numel() for value in held) == optimizers.kept_bytes(module, chosen)


def test_ia3_is_not_decayed_away_from_one(tmp_path: Path, small: Path) -> None:
    config = sft_instruct.Config.model_validate({"use_peft": True, "adapter": "ia3", "weight_decay": 0.5})
    optimizer = optimizers.make(adapters.attach(load_causal(str(small)), config, None), config)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.0]


def test_what_fails_to_compile_is_told_once_and_computed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_compiler(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(compile_fx, "compile_fx", without_compiler)
    said: list[str] = []
    double = Compiled(lambda x: x * 2 + x.sin(), said.append)
    for size in (3, 5):
        x = torch.rand(size, 7)
        assert torch.equal(double(x=x), x * 2 + x.sin())
    assert len(said) == 1
    assert said[0].startswith("torch_compile failed and the run goes on without it")
    assert "no C++ compiler" in said[0]


def test_what_compiles_is_what_it_was() -> None:
    def call(x: Tensor) -> Tensor:
        return (x * 3).tanh() + 1

    said: list[str] = []
    x = torch.rand(4, 9)
    torch.testing.assert_close(Compiled(call, said.append)(x=x), call(x))
    assert said == []


def test_the_hook_comes_back_as_it_went(tmp_path: Path, small: Path) -> None:
    config = sft_instruct.Config.model_validate({"use_peft": True, "adapter": "adalora"})
    module = adapters.attach(load_causal(str(small)), config, None)
    hook = AdaptiveRank(module, config, 10)
    tensors, values = hook.state()
    changed = {name: ~tensor if tensor.dtype == torch.bool else tensor + 1 for name, tensor in tensors.items()}
    hook.restore(changed, values)
    assert all(torch.equal(tensor, changed[name]) for name, tensor in hook.state()[0].items())
