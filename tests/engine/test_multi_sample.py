"""Multi-sample comparison as a run: curves, exact resume, groups of pairs are DPO, micro-batches, what is left out."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, of_type, spec, straight_and_resumed, sum_pairs, sums, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.faults import DataFault
from workers.engine.methods import multi_sample


def rankings(count: int = 8, seed: int = 1) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "ranks": [1, 2, 3, 3],
             "completions": [row["completion"], *(str(int(row["completion"]) + off) for off in (1, 7, 20))]}
            for row in sums(count, seed)]


def given(folder: Path, model: Path, *, name: str = "run", data: list[dict[str, Any]] | None = None, paired: bool = False,
          held_out: bool = False, **config: Any) -> RunSpec:
    kind = RecordKind.PREFERENCE if paired else RecordKind.RANKING
    rows = dataset(folder / f"data-{name}", data or rankings(), kind=kind)
    test = dataset(folder / f"data-{name}", rankings(seed=2), kind=kind, split="test") if held_out else None
    return spec(folder / name, model=model, data=rows, held_out=test, **({"method": "multi-sample"} | config))


def test_a_run_logs_what_its_card_names_and_learns(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=True, eval_steps=3, learning_rate=1e-2))
    assert {name for event in of_type(found, "metrics") for name in event.values} == {
        metric.name for metric in multi_sample.CARD.metrics}
    assert curve(found)[6] < curve(found)[1]
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


def test_groups_of_one_are_dpo(tmp_path: Path, small: Path) -> None:
    data = sum_pairs(8)
    ours = train(given(tmp_path, small, data=data, paired=True, max_steps=3))
    theirs = train(given(tmp_path, small, data=data, paired=True, max_steps=3, name="dpo", method="dpo"))
    assert list(curve(ours).values()) == pytest.approx(list(curve(theirs).values()), rel=1e-6)


def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    same: dict[str, Any] = {"loss_type": "mipo", "learning_rate": 1e-2, "max_steps": 3}
    whole = train(given(tmp_path, small, name="whole", per_device_train_batch_size=4, **same))
    cut = train(given(tmp_path, small, name="cut", per_device_train_batch_size=1, gradient_accumulation_steps=4, **same))
    assert list(curve(cut).values()) == pytest.approx(list(curve(whole).values()), rel=1e-4)


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path) -> None:
    whole, rest = straight_and_resumed(lambda name: given(
        tmp_path, small, name=name, loss_type="plackett_luce", per_device_train_batch_size=3, max_steps=5))
    assert curve(rest) == curve(whole, after=2)


def test_what_teaches_nothing_is_left_out_and_told(tmp_path: Path, small: Path) -> None:
    level = {"prompt": "a", "completions": ["b", "c"], "ranks": [1, 1]}
    tied = {"prompt": "a", "completions": [str(at) for at in range(12)], "ranks": [1, *[2] * 11]}
    lone = {"prompt": "a", "completions": ["b"], "ranks": [1]}
    same = {"prompt": "a", "completions": ["b", "b"], "ranks": [1, 2]}
    found = train(given(tmp_path, small, data=[*rankings(3), level, tied, lone, same], loss_type="plackett_luce", max_steps=3))
    told = " ".join(event.message for event in of_type(found, "log"))
    for reason in ("whose answers are all ranked equal", "more than 10 answers of one rank", "fewer than two answers",
                   "whose answers are all equal"):
        assert reason in told
    with pytest.raises(DataFault, match="2 answers and 3 ranks"):
        train(given(tmp_path, small, name="bad", data=[{"prompt": "a", "completions": ["b", "c"], "ranks": [1, 2, 3]}]))
