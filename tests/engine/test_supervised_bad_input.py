"""What methods that learn from texts do with rows that teach nothing, and with models that cannot read them."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import curve, dataset, small_model, train
from tests.engine.supervised_builders import given
from workers.contract.events import LogEvent
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef
from workers.engine.faults import DataFault

UNTRAINED = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}]
EMPTY = [{"prompt": "a", "chosen": " ", "rejected": ""}]
LONG = [{"prompt": "x" * 300, "completion": "1"}]
CHAT = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
ASKED = {"train_on": "weights"}


def data(folder: Path, rows: list[dict[str, Any]], kind: RecordKind) -> DatasetRef:
    return dataset(folder / "bad", rows, kind=kind)


@pytest.mark.parametrize(("method", "rows", "kind", "config"), [
    ("sft-dialogue", UNTRAINED, RecordKind.CONVERSATION, ASKED), ("sft-preference", EMPTY, RecordKind.PREFERENCE, {}),
    ("kd-logit", LONG, RecordKind.DEMONSTRATION, {}), ("kd-gkd", LONG, RecordKind.DEMONSTRATION, {}),
    ("rft", LONG, RecordKind.DEMONSTRATION, {}), ("sft-cot", LONG, RecordKind.DEMONSTRATION, {})],
    ids=["all masked", "empty answers", "prompt fills the context", "no room to write", "no room to sample", "no room for steps"])
def test_rows_that_leave_nothing_to_train_are_told(
    tmp_path: Path, small: Path, method: str, rows: list[dict[str, Any]], kind: RecordKind, config: dict[str, Any]
) -> None:
    one = given(tmp_path, small, method, **config).model_copy(update={"datasets": {"train": data(tmp_path, rows, kind)}})
    with pytest.raises(DataFault, match="No row of the data set gives anything to train on"):
        train(one)


def test_rows_left_out_are_told_in_the_log(tmp_path: Path, small: Path) -> None:
    mixed = data(tmp_path, [{"prompt": "a", "completion": "1"}, *LONG], RecordKind.DEMONSTRATION)
    one = given(tmp_path, small, "sft-instruct", max_steps=2, per_device_train_batch_size=2)
    events = train(one.model_copy(update={"datasets": {"train": mixed}}))
    said = [event.message for event in events if isinstance(event, LogEvent) and "Left out" in event.message]
    assert len(said) == 1
    assert "1 of 2 rows" in said[0]


def test_an_empty_completion_teaches_to_end(tmp_path: Path, small: Path) -> None:
    """Its end token is the answer; nothing else is trained."""
    empty = data(tmp_path, [{"prompt": "a", "completion": ""}], RecordKind.DEMONSTRATION)
    one = given(tmp_path, small, "kd-logit", max_steps=1, per_device_train_batch_size=1)
    assert curve(train(one.model_copy(update={"datasets": {"train": empty}})), "num_tokens") == {1: 1}


@pytest.mark.parametrize("method", ["kd-logit", "kd-gkd"])
def test_conversations_without_a_template_are_refused(tmp_path: Path, method: str) -> None:
    bare = small_model(tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    chats = data(tmp_path, CHAT, RecordKind.CONVERSATION)
    one = given(tmp_path, bare, method, teacher=bare).model_copy(update={"datasets": {"train": chats}})
    with pytest.raises(DataFault, match="no chat template"):
        train(one)
