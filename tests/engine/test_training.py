"""What a supervised run owes: the right loss, the big batch from small ones, LoRA that starts as its base, a model at the end."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

from tests.engine.builders import curve, dataset, of_type, random_sample, spec, sums, train, view
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef
from workers.engine.families.supervised import token_loss
from workers.engine.modeling.loading import load_causal
from workers.engine.rollout.verifiers import is_right
from workers.engine.sample import Counts, batch_of
from workers.engine.training.reducers import Reduction, reduce, weighted_mean
from workers.engine.training.schedule import factor


@pytest.fixture
def data(tmp_path: Path) -> DatasetRef:
    return dataset(tmp_path / "data", sums(12))


def test_worked_loss_of_four_tokens() -> None:
    logprobs, mask = torch.tensor([[-0.1, -2.0, -0.5, -1.0]]), torch.tensor([[False, True, True, True]])
    counts = Counts(tokens=3, sequences=1)
    nll, dft = (reduce(token_loss(logprobs, loss_type=kind), mask, counts, Reduction.TOKEN_MEAN) for kind in ("nll", "dft"))
    assert nll.item() == pytest.approx(1.166667, abs=1e-5)
    assert dft.item() == pytest.approx(0.313938, abs=1e-5)


def test_accumulated_micro_batches_equal_the_big_batch(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    big = train(spec(tmp_path / "big", model=small, data=data, per_device_train_batch_size=6))
    cut = train(spec(tmp_path / "cut", model=small, data=data, per_device_train_batch_size=2, gradient_accumulation_steps=3))
    assert list(curve(cut).values()) == pytest.approx(list(curve(big).values()), rel=1e-4)
    assert curve(cut, "num_tokens") == curve(big, "num_tokens")


def test_packed_and_unpacked_batches_have_the_same_loss() -> None:
    model = view()
    samples = [random_sample(length, seed=length) for length in (4, 25, 9, 60)]
    counts = Counts(tokens=sum(int(sample.mask.sum()) for sample in samples), sequences=4)
    packed, apart = (sum(reduce(-model.score(batch_of(piece)).logprobs, batch_of(piece).mask, counts, Reduction.TOKEN_MEAN).item()
                         for piece in pieces) for pieces in ([samples], [[sample] for sample in samples]))
    assert packed == pytest.approx(apart, abs=1e-5)


def test_packing_fills_the_budget_and_never_passes_it(tmp_path: Path, small: Path) -> None:
    rows = [{"prompt": "x" * (3 * index), "completion": "y" * 5} for index in range(1, 9)]
    data = dataset(tmp_path / "mixed", rows)
    found = train(spec(tmp_path / "run", model=small, data=data, packing=True, per_device_train_batch_size=2, max_length=32,
                       max_steps=-1))
    assert of_type(found, "done")[0].step == math.ceil(sum(10 + 3 * index for index in range(1, 9)) / 64)


def test_lora_starts_as_its_base_and_trains_only_the_adapter(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    base = train(spec(tmp_path / "base", model=small, data=data, max_steps=1))
    lora = train(spec(tmp_path / "lora", model=small, data=data, max_steps=1, use_peft=True))
    assert curve(lora)[1] == curve(base)[1]


def test_the_merged_final_model_of_a_lora_run_loads_without_peft(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    found = train(spec(tmp_path / "run", model=small, data=data, use_peft=True))
    (artifact,) = of_type(found, "artifact")
    model = AutoModelForCausalLM.from_pretrained(artifact.path)
    base = load_causal(str(small))
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, base.state_dict()[name])]
    assert changed
    assert all("_proj" in name for name in changed)


def test_an_unmerged_adapter_is_written_alone(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    found = train(spec(tmp_path / "run", model=small, data=data, use_peft=True, merge_adapter=False))
    (artifact,) = of_type(found, "artifact")
    assert artifact.kind == "adapter"
    assert (Path(artifact.path) / "adapter_model.safetensors").is_file()


def test_evaluation_is_measured_at_the_start_on_the_way_and_at_the_end(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    held_out = dataset(tmp_path / "data", sums(5, seed=9), split="eval")
    found = train(spec(tmp_path / "run", model=small, data=data, held_out=held_out, eval_steps=4, eval_max_new_tokens=4))
    measured = of_type(found, "evaluation")
    assert [event.step for event in measured] == [0, 4, 6]
    assert set(measured[0].values) == {"eval/loss", "eval/mean_token_accuracy", "eval/exact_match", "eval/samples"}
    assert measured[0].values["eval/samples"] == 5


def test_evaluating_changes_no_training_step(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    held_out = dataset(tmp_path / "data", sums(5, seed=9), split="eval")
    without = train(spec(tmp_path / "a", model=small, data=data, use_peft=True, lora_dropout=0.2))
    watched = train(spec(tmp_path / "b", model=small, data=data, held_out=held_out, eval_steps=1, eval_max_new_tokens=2,
                         use_peft=True, lora_dropout=0.2))
    assert curve(watched) == curve(without)


def test_the_best_checkpoint_is_kept_beside_the_newest(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    held_out = dataset(tmp_path / "data", sums(5, seed=9), split="eval")
    found = train(spec(tmp_path / "run", model=small, data=data, held_out=held_out, eval_steps=1, save_steps=1,
                       save_total_limit=1, eval_max_new_tokens=1, learning_rate=0.5, lr_scheduler_type="constant",
                       warmup_ratio=0.0))
    losses = {step: loss for step, loss in curve(found, "eval/loss").items() if step > 0}
    best = min(losses, key=losses.__getitem__)
    assert best != 6
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == [f"step-{best:08d}", "step-00000006"]


def test_a_text_data_set_trains_on_every_token(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "text", [{"text": "abcd"}], kind=RecordKind.TEXT)
    found = train(spec(tmp_path / "run", model=small, data=data, max_steps=1, per_device_train_batch_size=1))
    assert curve(found, "num_tokens") == {1: 4}


def test_dialogue_trains_the_assistants_share_of_tokens(tmp_path: Path, small: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "abc"}, {"role": "assistant", "content": "de"}]}
    data = dataset(tmp_path / "chat", [chat], kind=RecordKind.CONVERSATION)
    found = train(spec(tmp_path / "run", model=small, data=data, method="sft-dialogue", max_steps=1,
                       per_device_train_batch_size=1))
    assert curve(found, "assistant_token_fraction") == {1: pytest.approx(3 / 10)}


def test_a_turn_counts_as_much_as_its_weight(tmp_path: Path, small: Path) -> None:
    """Weights of 0.5 and 0.25 give what 2 and 1 do: the denominator is their sum. Equal weights change nothing."""
    def losses(name: str, *weights: float, train_on: str = "weights", **config: Any) -> list[float]:
        said = [turn for weight, answer in zip(weights, ("cd", "efg"), strict=True)
                for turn in ({"role": "user", "content": "ab"}, {"role": "assistant", "content": answer, "weight": weight})]
        data = dataset(tmp_path / name, [{"messages": said}] * 2, kind=RecordKind.CONVERSATION)
        return list(curve(train(spec(tmp_path / f"run-{name}", model=small, data=data, method="sft-dialogue", max_steps=2,
                                     train_on=train_on, **{"per_device_train_batch_size": 2} | config))).values())

    less, more = losses("less", 0.5, 0.25), losses("more", 2.0, 1.0)
    assert less == pytest.approx(more, rel=1e-5)
    cut = losses("cut", 0.5, 0.25, per_device_train_batch_size=1, gradient_accumulation_steps=2)
    assert cut == pytest.approx(less, rel=1e-4)
    assert losses("all", 0.5, 0.25, train_on="all_assistant") != pytest.approx(less, rel=1e-5)


def test_a_weighted_mean_divides_by_the_weights_of_the_step() -> None:
    terms = torch.tensor([[1.0, 2.0, math.nan]])
    assert weighted_mean(terms, torch.tensor([[0.5, 0.25, 0.0]]), 0.75).item() == pytest.approx(4 / 3)
    assert weighted_mean(terms, torch.zeros(1, 3), 0.0).item() == 0.0


@pytest.mark.parametrize(("step", "kind", "wanted"), [
    (0, "linear", 1 / 3), (1, "linear", 2 / 3), (2, "linear", 1.0), (11, "linear", 0.5), (20, "linear", 0.0),
    (11, "cosine", 0.5), (6, "cosine", 0.5 * (1 + math.cos(math.pi * 4 / 18))), (15, "constant", 1.0),
])
def test_schedules_by_hand(step: int, kind: str, wanted: float) -> None:
    assert factor(step, 20, kind=kind, warmup_ratio=0.1) == pytest.approx(wanted)  # type: ignore[arg-type]


def test_a_number_written_another_way_is_right_and_another_number_is_not() -> None:
    assert is_right("46", "46")
    assert is_right("so #### 46.0", "it is 46 #### 46")
    assert not is_right("64", "46")


def test_the_log_begins_with_what_the_run_is(tmp_path: Path, small: Path, data: DatasetRef) -> None:
    given = spec(tmp_path / "run", model=small, data=data.model_copy(update={"name": "Sums"}), max_steps=1)
    first = of_type(train(given), "log")[0].message
    assert first.startswith("Instruction fine-tuning: ")
    assert "12 rows of Sums, 1 step, on 1 thread." in first
