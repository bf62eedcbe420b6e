"""Domain fine-tuning: how a step's samples are dealt to the sources, what the loss is of them, texts beyond the length."""

from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tests.engine.builders import curve, dataset, of_type, train
from tests.engine.supervised_builders import given
from workers.contract.records import RecordKind
from workers.engine.data.rendering import Rendered, chunks
from workers.engine.faults import ConfigFault
from workers.engine.methods.sft_domain import dealt
from workers.engine.preflight import report


def test_samples_are_dealt_by_largest_remainder() -> None:
    assert dealt(10, {"raw": 0.7, "task": 0.2, "replay": 0.1}) == {"raw": 7, "task": 2, "replay": 1}
    assert dealt(4, {"raw": 0.7, "task": 0.2, "replay": 0.1}) == {"raw": 2, "task": 1, "replay": 1}
    assert dealt(1, {"raw": 0.5, "replay": 0.5}) == {"raw": 1, "replay": 1}


@settings(max_examples=25, deadline=None)
@examples(st.integers(1, 200), st.lists(st.floats(0.01, 1), min_size=1, max_size=3))
def test_every_source_has_a_part_near_its_share(total: int, weights: list[float]) -> None:
    shares = {str(index): weight / sum(weights) for index, weight in enumerate(weights)}
    found = dealt(total, shares)
    assert sum(found.values()) == max(total, len(shares)) or min(found.values()) == 1
    assert all(count >= 1 for count in found.values())
    assert all(abs(count - shares[name] * total) <= 1 for name, count in found.items())


@settings(max_examples=25, deadline=None)
@examples(st.integers(2, 60), st.integers(2, 20))
def test_pieces_of_a_long_text_predict_every_token_but_the_first_once(length: int, longest: int) -> None:
    whole = Rendered(list(range(length)), [False] + [True] * (length - 1))
    pieces = chunks(whole, longest)
    assert all(len(piece.ids) <= longest for piece in pieces)
    predicted = [token for piece in pieces for token, trained in zip(piece.ids, piece.trained, strict=True) if trained]
    assert predicted == list(range(1, length))


def test_the_check_says_that_long_texts_are_read_in_pieces_and_long_tasks_are_cut(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "sft-domain", max_length=13)
    one.datasets["train"] = dataset(tmp_path / "long", [{"text": "12+34=46" * 5}] * 3, kind=RecordKind.TEXT)
    findings = report(one).findings
    (texts,) = [found for found in findings if found.code == "lengths" and "training rows" in found.message]
    assert (texts.level, texts.message.endswith(" 3 longer than max_length 13 will be read in pieces.")) == ("ok", True)
    (tasks,) = [found for found in findings if found.code == "truncation" and " task rows " in found.message]
    assert (tasks.level, tasks.message.endswith("are longer than max_length 13 and will be cut.")) == ("warning", True)


def test_the_loss_is_the_weighted_sum_over_the_sources(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "sft-domain", max_steps=2, raw_weight=6.0, task_weight=3.0, replay_weight=1.0,
                        per_device_train_batch_size=2, gradient_accumulation_steps=4))
    for step, loss in curve(found).items():
        parts = [curve(found, f"loss/{name}")[step] for name in ("raw", "task", "replay")]
        assert loss == pytest.approx(0.6 * parts[0] + 0.3 * parts[1] + 0.1 * parts[2], rel=1e-4)


def test_with_one_source_it_is_instruction_fine_tuning(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "sft-domain", name="domain", max_steps=3)
    del one.datasets["task"], one.datasets["replay"], one.datasets["general"]
    plain = one.model_copy(update={"method": "sft-instruct", "output_dir": str(tmp_path / "plain")})
    assert list(curve(train(one)).values()) == pytest.approx(list(curve(train(plain)).values()), rel=1e-5)


def test_packed_steps_hold_every_source(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "sft-domain", packing=True, per_device_train_batch_size=2, max_steps=-1))
    steps = of_type(found, "done")[0].step
    assert steps == 2  # 12 texts of 9 tokens or so, and 90 of a step's 128 tokens are dealt to them
    assert all(len(curve(found, f"loss/{name}")) == steps for name in ("raw", "task", "replay"))


def test_a_run_without_a_source_that_counts_is_refused(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "sft-domain", raw_weight=0.0, task_weight=0.0, replay_weight=0.0)
    with pytest.raises(ConfigFault, match="No data set"):
        train(one)
