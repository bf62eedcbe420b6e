"""Chain of thought: the parts of the target, their weights, and what it is without them."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, sums, train
from tests.engine.supervised_builders import given
from workers.contract.records import Record
from workers.contract.run_spec import RunSpec
from workers.engine.composition import Setting
from workers.engine.faults import DataFault
from workers.engine.methods import sft_cot
from workers.engine.modeling.tiny_model import make_tokenizer
from workers.engine.sample import Sample

ROW = Record(prompt="58+67=", extra={"rationale": "8+7=15\n5+6+1=12", "answer": "125"})


def setting() -> Setting:
    spec = RunSpec(method="sft-cot", models={}, output_dir="")
    return Setting(spec, make_tokenizer(), context_length=256, parameters=1)


def rendered(record: Record = ROW, **config: Any) -> Sample:
    (sample,) = sft_cot.render(sft_cot.Config(max_length=64, **config), setting(), record, 0)
    return sample


def said(sample: Sample, part: str) -> str:
    return str(make_tokenizer().decode(sample.ids[sample.channels[f"weights/{part}"] > 0]))


@pytest.mark.parametrize(("style", "rationale"), [
    ("last_line", "8+7=15\n5+6+1=12\n"), ("think", "<think>\n8+7=15\n5+6+1=12\n</think>\n"), ("hash", "8+7=15\n5+6+1=12\n#### ")])
def test_the_parts_decode_to_rationale_and_answer(style: str, rationale: str) -> None:
    sample = rendered(style=style)
    assert (said(sample, "rationale"), said(sample, "answer")) == (rationale, "125<|end|>")


def test_a_cut_sample_keeps_its_parts_in_place() -> None:
    (sample,) = sft_cot.render(sft_cot.Config(max_length=12, truncation_mode="keep_end"), setting(), ROW, 0)
    assert (said(sample, "rationale"), said(sample, "answer")) == ("6+1=12\n", "125<|end|>")
    (start,) = sft_cot.render(sft_cot.Config(max_length=20), setting(), ROW, 0)
    assert said(start, "answer") == ""


def test_a_text_that_does_not_parse_is_all_rationale_and_a_row_of_nothing_is_told() -> None:
    sample = rendered(Record(prompt="1+1=", completion="2"), style="hash")
    assert (said(sample, "rationale"), said(sample, "answer")) == ("2<|end|>", "")
    with pytest.raises(DataFault, match=r"Row 1 .*neither"):
        rendered(Record(prompt="1+1=", answer="2"))


def test_the_loss_is_the_weighted_mean_of_its_parts(tmp_path: Path, small: Path) -> None:
    plain = train(given(tmp_path, small, "sft-cot", name="plain", max_steps=3))
    weighed = train(given(tmp_path, small, "sft-cot", name="weighed", max_steps=1, answer_weight=3.0))
    same = given(tmp_path, small, "sft-cot", name="instruct", max_steps=3)
    instruct = train(same.model_copy(update={"method": "sft-instruct"}))
    assert list(curve(plain).values()) == pytest.approx(list(curve(instruct).values()), rel=1e-5)
    rationale, answer = (curve(weighed, f"loss/{part}")[1] for part in ("rationale", "answer"))
    assert (curve(plain, "loss/rationale")[1], curve(plain, "loss/answer")[1]) == pytest.approx((rationale, answer))
    # loss = (N_r·r + w·N_a·a) / (N_r + w·N_a): the share of the answers follows from the unweighted mean.
    share = (curve(plain)[1] - rationale) / (answer - rationale)
    assert curve(weighed)[1] == pytest.approx(((1 - share) * rationale + 3 * share * answer) / (1 - share + 3 * share), rel=1e-3)


def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, "sft-cot", name="whole", answer_weight=2.0, max_steps=2))
    cut = train(given(tmp_path, small, "sft-cot", name="cut", answer_weight=2.0, max_steps=2, per_device_train_batch_size=1,
                      gradient_accumulation_steps=4))
    for name in ("loss", "grad_norm", "loss/answer"):
        assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-4)


def test_answers_of_problems_without_a_text_are_refused_by_row(tmp_path: Path, small: Path) -> None:
    rows = [{"prompt": row["prompt"], "answer": row["completion"]} for row in sums(4)]
    one = given(tmp_path, small, "sft-cot")
    with pytest.raises(DataFault, match="rationale"):
        train(one.model_copy(update={"datasets": {"train": dataset(tmp_path / "bare", rows)}}))
