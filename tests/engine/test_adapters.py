"""Adapters of every kind: exact at the start, scaled as they say, alone in their gradient, merged or honestly beside the base."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import AdaLoraConfig, LoraConfig, PeftModel, get_peft_model
from peft.tuners.adalora.layer import RankAllocator
from torch import Tensor, nn

from tests.engine.builders import SMALL, random_sample, small_model
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.methods import sft_instruct
from workers.engine.modeling import adapters, prefix
from workers.engine.modeling.adaptive_rank import AdaptiveRank, budget, kept, orthogonality, smoothed
from workers.engine.modeling.house_tuners import unimportant
from workers.engine.modeling.loading import load_causal, load_scalar
from workers.engine.modeling.models import Model, Scorer, Valuer
from workers.engine.modeling.tiny_model import make_model
from workers.engine.sample import batch_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.tally import Tally

KINDS = ("lora", "rslora", "dora", "adalora", "curlora", "prefix", "p_tuning_v2", "ia3", "bottleneck")
BESIDE = ("prefix", "p_tuning_v2", "bottleneck")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("base"))


def config(kind: str, **more: Any) -> Any:
    return sft_instruct.Config.model_validate({"use_peft": True, "adapter": kind, "num_virtual_tokens": 5} | more)


def attached(base: Path, kind: str, *, scalar: bool = False, **more: Any) -> Any:
    torch.manual_seed(0)
    return adapters.attach((load_scalar if scalar else load_causal)(str(base)), config(kind, **more), None)


def stirred(module: Any) -> Any:
    """The module with every trained number moved, so that its adapter does something."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return module


def scored(module: Any, *, adapter: bool = True) -> Tensor:
    batch = batch_of([random_sample(9), random_sample(5, seed=2)], torch.device("cpu"))
    return Model(Scorer(module), torch.device("cpu"), trained=True, adapter=adapter).score(batch).logprobs


def trained(module: Any) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"prefix", "p_tuning_v2"}])
def test_an_adapter_starts_as_its_base_to_the_bit(base: Path, kind: str) -> None:
    assert torch.equal(scored(attached(base, kind)), scored(load_causal(str(base))))


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_is_the_model_with_its_adapter_off_and_only_the_adapter_has_a_gradient(base: Path, kind: str) -> None:
    module = stirred(attached(base, kind))
    here, off = scored(module), scored(module, adapter=False)
    assert torch.equal(off, scored(load_causal(str(base))))
    assert not torch.allclose(here, off, atol=1e-3)
    here.sum().backward()
    for name, parameter in module.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == parameter.requires_grad, name
    marks = {"ia3": "ia3_l", "bottleneck": "bottleneck_", "curlora": "curlora_u", "prefix": "prompt_encoder",
             "p_tuning_v2": "prompt_encoder"}
    assert all(marks.get(kind, "lora_") in name for name in trained(module))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in BESIDE])
def test_merged_equals_beside(base: Path, kind: str, tmp_path: Path) -> None:
    module = stirred(attached(base, kind, lora_alpha=8))
    beside = scored(module)
    module.save_pretrained(tmp_path)
    torch.testing.assert_close(scored(adapters.merged(load_causal(str(base)), str(tmp_path))), beside, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(scored(module.merge_and_unload()), beside, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", BESIDE)
def test_what_cannot_be_merged_is_refused_and_stays_beside_its_base(base: Path, kind: str, tmp_path: Path) -> None:
    module = stirred(attached(base, kind))
    module.save_pretrained(tmp_path)
    with pytest.raises(ModelFault, match="no weights of the base can express"):
        adapters.merged(load_causal(str(base)), str(tmp_path))
    assert torch.equal(scored(adapters.carrying(load_causal(str(base)), str(tmp_path))), scored(module))


@pytest.mark.parametrize("kind", KINDS)
def test_a_reward_model_carries_every_kind_and_trains_its_head(base: Path, kind: str, tmp_path: Path) -> None:
    module = stirred(attached(base, kind, scalar=True))
    batch = batch_of([random_sample(9), random_sample(5, seed=2)], torch.device("cpu"))
    here = Model(Valuer(module), torch.device("cpu"), trained=True).values(batch)
    assert any("score" in name for name in trained(module))
    module.save_pretrained(tmp_path)
    again = adapters.carrying(load_scalar(str(base)), str(tmp_path))
    torch.testing.assert_close(Model(Valuer(again), torch.device("cpu"), trained=False).values(batch), here, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"bottleneck", "curlora"}])
def test_peft_alone_loads_what_is_written_and_gives_the_same_numbers(base: Path, kind: str, tmp_path: Path) -> None:
    module = stirred(attached(base, kind, **({"prefix_projection": True} if kind == "prefix" else {})))
    module.save_pretrained(tmp_path)
    sample = random_sample(9)
    loaded = PeftModel.from_pretrained(load_causal(str(base)), tmp_path).eval()
    with torch.no_grad():
        logits = loaded(input_ids=sample.ids[None]).logits[0, :-1]
        theirs = logits.log_softmax(-1).gather(-1, sample.ids[1:, None]).squeeze(-1)
        ours = Model(Scorer(module), torch.device("cpu"), trained=False).score(batch_of([sample], torch.device("cpu")))
    torch.testing.assert_close(ours.logprobs[0, 1:], theirs, rtol=1e-5, atol=1e-5)


def test_a_prefix_is_seen_in_writing_as_in_scoring_by_rows_of_any_length(base: Path) -> None:
    module = stirred(attached(base, "p_tuning_v2"))
    view = Model(Scorer(module), torch.device("cpu"), trained=True)
    prompts = [random_sample(4).ids, random_sample(7, seed=3).ids]
    rollouts = generate(view, prompts, count=2, max_new_tokens=6, temperature=1.0)
    samples = [rollout.sample(group=index // 2, reward=0.0) for index, rollout in enumerate(rollouts)]
    batch = batch_of(samples, torch.device("cpu"))
    found = view.score(batch).logprobs
    for row, rollout in enumerate(rollouts):
        start = len(rollout.prompt_ids)
        torch.testing.assert_close(found[row, start:start + len(rollout.logprobs)], rollout.logprobs, rtol=1e-4, atol=1e-5)
    off = Model(Scorer(module), torch.device("cpu"), trained=True, adapter=False)
    assert not torch.allclose(off.score(batch).logprobs, found)


def test_a_prefix_begins_to_be_kept_bit_for_bit_with_the_network_that_makes_it(base: Path, tmp_path: Path) -> None:
    module = stirred(attached(base, "prefix", prefix_projection=True))
    prefix.save_trained(module, tmp_path)
    again = adapters.attach(load_causal(str(base)), config("prefix", prefix_projection=True), tmp_path)
    assert all(torch.equal(value, dict(again.named_parameters())[name]) for name, value in trained(module).items())


def test_rslora_is_scaled_by_the_root_of_its_rank(base: Path) -> None:
    scalings = {kind: next(layer.scaling["default"] for layer in attached(base, kind, lora_r=16, lora_alpha=8).modules()
                           if hasattr(layer, "lora_A")) for kind in ("lora", "rslora")}
    assert scalings == {"lora": 8 / 16, "rslora": 8 / 4}


def test_dora_is_a_direction_times_a_length() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"one": nn.Linear(3, 2, bias=False)})
    adapted = stirred(get_peft_model(model, LoraConfig(r=1, lora_alpha=1, target_modules=["one"], use_dora=True)))
    layer: Any = adapted.base_model.model["one"]
    weight = layer.base_layer.weight + layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    length = layer.lora_magnitude_vector["default"].weight
    x = torch.randn(4, 3)
    by_hand = x @ (length[:, None] * weight / weight.norm(dim=1, keepdim=True)).T
    torch.testing.assert_close(layer(x), by_hand, rtol=1e-5, atol=1e-6)


def test_ia3_scales_by_ones_at_the_start(base: Path) -> None:
    vectors = trained(attached(base, "ia3"))
    assert len(vectors) == 2 * 3
    assert all(bool((vector == 1).all()) for vector in vectors.values())


def count(module: Any) -> int:
    return sum(parameter.numel() for parameter in trained(module).values())


def test_parameter_counts_are_those_of_the_formulas(base: Path) -> None:
    width, layers, inner = SMALL["width"], SMALL["layers"], SMALL["inner"]
    linear = 4 * 2 * width + 3 * (width + inner)
    assert count(attached(base, "lora")) == layers * 8 * linear
    assert count(attached(base, "dora")) == layers * (8 * linear + 5 * width + 2 * inner)
    assert count(attached(base, "adalora")) == layers * 12 * (linear + 7)
    assert count(attached(base, "curlora")) == layers * 7 * 8 * 8
    assert count(attached(base, "p_tuning_v2")) == 5 * 2 * layers * width
    assert count(attached(base, "ia3")) == layers * (2 * width + inner)
    assert count(attached(base, "bottleneck", bottleneck_size=4)) == layers * 2 * (2 * 4 * width + 4 + width)
    with torch.device("meta"):
        big = nn.ModuleDict({"one": nn.Linear(4096, 4096, bias=False)})
        one = adapters._lora(None, config("lora", lora_target_modules="one"))
        assert count(get_peft_model(big, one)) == 65_536
        wide = make_model(width=4096, layers=32, inner=64, heads=32)
        assert count(adapters.attach(wide, config("p_tuning_v2", num_virtual_tokens=20), None)) == 5_242_880


def test_a_bottleneck_of_the_surveys_width_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        wide = make_model(width=4096, layers=1, inner=64, heads=32)
        made = adapters.attach(wide, config("bottleneck", bottleneck_size=64, bottleneck_placement="pfeiffer"), None)
    # 2·64·4096 and biases of 64 and 4096 numbers.
    assert count(made) == 528_448


def test_a_bottleneck_is_what_its_formula_says() -> None:
    torch.manual_seed(0)
    module = adapters.attach(make_model(0, **SMALL), config("bottleneck", bottleneck_size=3), None)
    layer = next(each for each in stirred(module).modules() if hasattr(each, "bottleneck_up"))
    x = torch.randn(2, SMALL["width"])
    plain = layer.base_layer(x)
    down, up = layer.bottleneck_down["default"], layer.bottleneck_up["default"]
    by_hand = plain + nn.functional.gelu(plain @ down.weight.T + down.bias) @ up.weight.T + up.bias
    torch.testing.assert_close(layer(x), by_hand)


def test_curlora_takes_unimportant_columns_and_rows_of_the_weight_itself() -> None:
    weight = torch.tensor([[1.0, 0.0], [1e4, 0.0], [0.0, 1.0], [0.0, 1e4]])
    assert unimportant(weight, 2).tolist() == [0, 2]
    torch.manual_seed(0)
    module = adapters.attach(make_model(0, **SMALL), config("curlora", lora_r=4), None)
    layer = next(each for each in module.modules() if hasattr(each, "curlora_u"))
    columns, whole = layer.curlora_c["default"], layer.base_layer.weight
    assert all(any(torch.equal(column, other) for other in whole.T) for column in columns.T)


def test_adaloras_budget_is_the_surveys_example() -> None:
    falling = {"first": 12, "last": 8, "total": 100, "initial": 0, "final": 0}
    assert [budget(step, **falling) for step in (0, 10, 50, 100)] == [12, 10, 8, 8]
    assert budget(20, first=12, last=8, total=100, initial=30, final=20) == 12
    assert budget(81, first=12, last=8, total=100, initial=30, final=20) == 8
    assert {budget(step, first=8, last=8, total=9, initial=1, final=2) for step in range(10)} == {8}


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 8), st.integers(0, 8), st.integers(0, 60))
def test_the_budget_never_rises_and_stays_between_its_ends(last: int, more: int, initial: int, final: int, step: int) -> None:
    plan = {"first": last + more, "last": last, "total": 60, "initial": initial, "final": final}
    assert last <= budget(step + 1, **plan) <= budget(step, **plan) <= last + more


def test_the_importance_and_what_is_kept_are_pefts(base: Path) -> None:
    torch.manual_seed(0)
    settings_ = AdaLoraConfig(init_r=3, target_r=2, total_step=10, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    theirs = get_peft_model(load_causal(str(base)), settings_)
    torch.manual_seed(0)
    ours = get_peft_model(load_causal(str(base)), settings_)
    allocator = RankAllocator(theirs, settings_, "default")
    hook = AdaptiveRank(ours, config("adalora", adalora_init_r=3, adalora_target_r=2, adalora_tinit=0.0, adalora_tfinal=0.0), 10)
    for step in range(1, 8):
        for module in (theirs, ours):
            torch.manual_seed(step)
            for parameter in trained(module).values():
                parameter.grad = torch.randn_like(parameter)
                parameter.data -= 0.1 * parameter.grad
        allocator.update_and_allocate(theirs, step)
        hook.stepped(step, Tally())
        for (name, one), other in zip(trained(theirs).items(), trained(ours).values(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7, msg=f"{name} at {step}")
    ranks = [int(mask.sum()) for mask in hook._kept.values()]
    assert sum(ranks) == budget(7, first=12, last=8, total=10, initial=0, final=0) < 12


def test_adaloras_orthogonality_is_pefts_and_zero_for_orthogonal_rows(base: Path) -> None:
    assert float(orthogonality([torch.eye(3, 5), torch.eye(2)])) == 0
    assert float(orthogonality([torch.zeros(4, 6)])) == 2.0
    module = stirred(attached(base, "adalora"))
    matrices = [p if "lora_A" in name else p.T for name, p in trained(module).items() if "lora_A" in name or "lora_B" in name]
    ids = random_sample(6).ids[None]
    with_term = module(input_ids=ids, labels=ids).loss
    without = module.get_base_model()(input_ids=ids, labels=ids).loss
    assert float(0.5 * orthogonality(matrices)) == pytest.approx(float((with_term - without).detach()), rel=1e-4)
    assert torch.autograd.gradcheck(lambda m: orthogonality([m]), torch.randn(2, 3, dtype=torch.float64, requires_grad=True))


def test_smoothing_and_choosing_by_hand() -> None:
    importance, uncertainty = smoothed(torch.tensor([2.0]), torch.tensor([-3.0]), torch.tensor([0.0]), torch.tensor([0.0]))
    assert float(importance) == pytest.approx(0.15 * 6)
    assert float(uncertainty) == pytest.approx(0.15 * (6 - 0.9))
    chosen = kept([torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0])], 2)
    assert [mask.tolist() for mask in chosen] == [[False, True], [True, False]]
    assert all(bool(mask.all()) for mask in kept([torch.tensor([0.0, 0.0])], 2))


def test_adalora_wants_a_planned_end(base: Path) -> None:
    with pytest.raises(ConfigFault, match="no planned end"):
        AdaptiveRank(attached(base, "adalora"), config("adalora"), None)
