"""The tail of an attempt's events: whole lines, once each, nothing lost when a batch does not arrive."""

import json
from pathlib import Path

import pytest

from workers.agent.event_tail import BATCH_BYTES, EventTail
from workers.contract.events import LogEvent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def line(seq: int, message: str = "x") -> str:
    return json.dumps({"type": "log", "seq": seq, "message": message}) + "\n"


def seqs(tail: EventTail) -> list[int]:
    return [event.seq for event in tail.read()]


def test_a_file_that_is_not_there_yet_has_no_events(path: Path) -> None:
    assert EventTail(path).read() == []


def test_what_was_not_acknowledged_is_read_again(path: Path) -> None:
    tail = EventTail(path)
    append(path, line(1) + line(2))
    assert seqs(tail) == [1, 2]
    append(path, line(3))
    assert seqs(tail) == [1, 2, 3]
    tail.acknowledge()
    assert seqs(tail) == []


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    tail = EventTail(path)
    append(path, line(1) + line(2)[:10])
    assert seqs(tail) == [1]
    tail.acknowledge()
    append(path, line(2)[10:])
    assert seqs(tail) == [2]


def test_a_line_that_is_no_event_becomes_a_warning_in_its_place(path: Path) -> None:
    append(path, line(1) + '{"type": "nonsense"}\n' + line(3))
    events = EventTail(path).read()
    assert [event.seq for event in events] == [1, 2, 3]
    assert isinstance(events[1], LogEvent)
    assert events[1].level == "warning"


def test_a_line_larger_than_a_batch_is_read_whole(path: Path) -> None:
    tail = EventTail(path)
    append(path, line(1, "y" * (2 * BATCH_BYTES)) + line(2))
    assert seqs(tail) == [1]
    tail.acknowledge()
    assert seqs(tail) == [2]


def test_a_separator_inside_a_text_does_not_part_a_line(path: Path) -> None:
    append(path, json.dumps({"type": "log", "seq": 1, "message": "a\u2028b\x0cc"}, ensure_ascii=False) + "\n")
    events = EventTail(path).read()
    assert len(events) == 1
    assert isinstance(events[0], LogEvent)
    assert events[0].message == "a\u2028b\x0cc"
