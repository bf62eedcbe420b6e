"""Preference fine-tuning: its objectives on pairs, rankings and judged answers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tests.engine.builders import curve, train
from tests.engine.supervised_builders import given
from workers.contract.records import Message, Record
from workers.contract.run_spec import RunSpec
from workers.engine.composition import Setting
from workers.engine.faults import DataFault
from workers.engine.methods import sft_preference
from workers.engine.methods.sft_preference import judged, unlikelihood
from workers.engine.modeling.tiny_model import make_tokenizer

PAIR = Record(prompt="1+1=", chosen="2", rejected="3")


def texts(record: Record, **config: Any) -> list[str]:
    setting = Setting(RunSpec(method="sft-preference", models={}, output_dir=""), make_tokenizer(), 256, 1)
    samples = sft_preference.render(sft_preference.Config(max_length=64, **config), setting, record, 0)
    return [str(make_tokenizer().decode(sample.ids, skip_special_tokens=True)) for sample in samples]


def test_worked_numbers_of_unlearning() -> None:
    found = unlikelihood(torch.tensor([0.5, 0.1, 0.99], dtype=torch.float64).log())
    assert found.tolist() == pytest.approx([0.693147, 0.105361, 4.605170], abs=1e-6)
    assert unlikelihood(torch.tensor([0.0, -1e-9])).tolist() == pytest.approx([-math.log(1e-6)] * 2, rel=1e-2)


@settings(max_examples=25, deadline=None)
@examples(st.floats(-30, -1e-4))
def test_unlearning_has_the_gradient_of_its_formula(logprob: float) -> None:
    """d/dz −log(1 − e^z) = e^z / (1 − e^z)."""
    given_logprob = torch.tensor(logprob, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(unlikelihood(given_logprob), given_logprob)
    assert slope.item() == pytest.approx(math.exp(logprob) / -math.expm1(logprob), rel=1e-9)


def test_gradients_are_finite_differences() -> None:
    logprobs = torch.tensor([-5.0, -0.69, -0.7, -0.01]).double().requires_grad_()
    assert torch.autograd.gradcheck(unlikelihood, (logprobs,))


def test_the_words_say_how_good_an_answer_is() -> None:
    assert texts(PAIR) == ["1+1=2"]
    assert texts(PAIR, objective="unlikelihood") == ["1+1=2", "1+1=3"]
    assert texts(PAIR, objective="conditional", good_words="good ", bad_words="bad ") == ["good 1+1=2", "bad 1+1=3"]
    chat = PAIR.model_copy(update={"prompt": [Message(role="system", content="s"), Message(role="user", content="1+1=")]})
    assert texts(chat, objective="conditional", good_words="good ")[0] == "sgood 1+1=2"


def test_rankings_and_judged_answers_are_wanted_or_not() -> None:
    ranked = Record(prompt="x", completions=["a", "b", " ", "c"], ranks=[1, 2, 1, 1])
    assert judged(ranked, 0) == [("a", True), ("b", False), ("c", True)]
    assert judged(Record(prompt="x", completion="a", label=False), 0) == [("a", False)]
    with pytest.raises(DataFault, match="Row 3"):
        judged(Record(prompt="x", completion="a"), 2)


def test_without_unlearning_it_is_the_wanted_answers_alone(tmp_path: Path, small: Path) -> None:
    """λ = 0 leaves the mean over the wanted answers' tokens."""
    both = train(given(tmp_path, small, "sft-preference", name="both", unlikelihood_weight=0.0, per_device_train_batch_size=8,
                       max_steps=3))
    assert list(curve(both).values()) == pytest.approx(list(curve(both, "loss/chosen").values()), rel=1e-5)
    whole = train(given(tmp_path, small, "sft-preference", name="whole", per_device_train_batch_size=8, max_steps=6,
                        learning_rate=1e-2))
    gap = [curve(whole, "logps/chosen")[step] - curve(whole, "logps/rejected")[step] for step in (1, 6)]
    assert gap[1] > gap[0]
    assert curve(whole)[1] == pytest.approx(curve(whole, "loss/chosen")[1] + curve(whole, "loss/rejected")[1], rel=1e-5)


def test_under_the_conditional_objective_all_tokens_count_alike(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "sft-preference", objective="conditional", max_steps=1))
    low, high = sorted(curve(found, f"loss/{name}")[1] for name in ("chosen", "rejected"))
    assert low <= curve(found)[1] <= high
