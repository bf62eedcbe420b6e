"""Files of a run: the event log, rows, streams and checkpoints keep what they promise across cuts and damage."""

import itertools
from pathlib import Path

import pytest
import torch

from tests.engine.builders import dataset
from workers.contract.events import EVENT, LogEvent, MetricsEvent
from workers.contract.records import INDEX_STRIDE, Record
from workers.contract.run_spec import DatasetRef
from workers.engine.data.rows import Rows
from workers.engine.data.stream import RowStream
from workers.engine.events import EventLog
from workers.engine.faults import DataFault
from workers.engine.sample import Sample
from workers.engine.training import checkpoint
from workers.engine.training.tally import Tally


def test_events_are_numbered_without_gaps_across_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).write(LogEvent(message="one"))
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "type": "lo')
    EventLog(path).write(LogEvent(message="two"))
    assert [EVENT.validate_json(line).seq for line in path.read_bytes().splitlines()] == [1, 2]


def test_a_metric_that_is_not_finite_is_null_in_the_file(tmp_path: Path) -> None:
    EventLog(tmp_path / "events.jsonl").write(MetricsEvent(step=1, values={"loss": float("nan")}))
    assert EVENT.validate_json((tmp_path / "events.jsonl").read_bytes()).values == {"loss": None}


@pytest.mark.parametrize("row", [0, 1, INDEX_STRIDE - 1, INDEX_STRIDE, 150])
@pytest.mark.parametrize("index", ["none", "torn"])
def test_any_row_is_read_whatever_the_index(tmp_path: Path, row: int, index: str) -> None:
    ref = dataset(tmp_path, [{"prompt": "é" * number, "completion": str(number)} for number in range(151)])
    if index == "torn":
        (tmp_path / "train.index").write_bytes(b"\0" * 7)
    assert Rows(ref)[row].completion == str(row)


def numbers(ref: DatasetRef, seed: int = 0, copies: int = 1) -> RowStream:
    def render(record: Record, row: int) -> list[Sample]:
        return [Sample(ids=torch.arange(int(str(record.completion))), mask=torch.ones(1), row=row) for _ in range(copies)]

    return RowStream(ref, render, seed)


@pytest.fixture
def ten(tmp_path: Path) -> DatasetRef:
    return dataset(tmp_path, [{"prompt": "a", "completion": str(number + 1)} for number in range(10)])


def test_each_epoch_meets_every_row_once_in_a_new_order(ten: DatasetRef) -> None:
    stream = numbers(ten)
    first, second = ([sample.row for sample in stream.take(10)] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


@pytest.mark.parametrize(("cut", "copies"), list(itertools.product([0, 1, 9, 10, 17], [1, 3])))
def test_a_stream_put_back_goes_on_as_if_never_stopped(ten: DatasetRef, cut: int, copies: int) -> None:
    straight, first, second = (numbers(ten, copies=copies) for _ in range(3))
    rows = [sample.row for sample in straight.take(40)]
    first.take(cut)
    second.restore(first.state())
    assert [sample.row for sample in second.take(40 - cut)] == rows[cut:]


def test_a_token_budget_is_filled_and_not_passed_but_by_one_long_sample(ten: DatasetRef) -> None:
    stream = numbers(ten)
    for _ in range(12):
        taken = stream.take_tokens(9)
        assert len(taken) == 1 or sum(len(sample) for sample in taken) <= 9


def test_a_data_set_that_renders_to_nothing_is_refused(ten: DatasetRef) -> None:
    with pytest.raises(DataFault, match="anything to train on"):
        RowStream(ten, lambda record, row: [], 0).take(1)


def written(root: Path, step: int) -> Path:
    writer = checkpoint.Writer(root, step)
    writer.tensors("weights.safetensors", {"w": torch.ones(3)})
    writer.document("state.json", {"step": step})
    return writer.finish().path


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    writer = checkpoint.Writer(tmp_path, 1)
    writer.tensors("weights.safetensors", {"w": torch.ones(3)})
    assert not list(tmp_path.glob("step-*"))
    saved = writer.finish()
    assert checkpoint.verify(saved.path) == saved.manifest_hash


@pytest.mark.parametrize("name", ["weights.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "torn", "changed"])
def test_damage_to_any_file_is_seen_and_the_one_before_is_taken(tmp_path: Path, name: str, damage: str) -> None:
    older, newer = written(tmp_path, 1), written(tmp_path, 2)
    path, data = newer / name, (newer / name).read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-2] if damage == "torn" else data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    found, passed = checkpoint.newest(tmp_path)
    assert found == older
    assert "step-00000002" in passed[0]


def test_pruning_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    for step in range(1, 6):
        written(tmp_path, step)
    checkpoint.prune(tmp_path, keep=2, best="step-00000001")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000001", "step-00000004", "step-00000005"]


def test_a_tally_weights_means_and_never_counts_what_is_masked() -> None:
    tally = Tally()
    tally.mean("m", torch.tensor([1.0, float("nan"), 4.0]), torch.tensor([True, False, True]))
    tally.mean("m", torch.tensor([7.0]), torch.tensor([True]))
    tally.mean("nothing", torch.tensor([7.0]), torch.tensor([False]))
    tally.lowest("low", torch.tensor([3.0, 2.0]))
    tally.lowest("low", 5.0)
    tally.highest("high", torch.tensor([3.0, 2.0]))
    assert tally.values() == {"m": 4.0, "low": 2.0, "high": 3.0}
