"""What processes deal out and add up, without processes: shares cover everything once, streams do not depend on who draws."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.engine.training import distributed
from workers.engine.training.tally import Tally


@settings(max_examples=25, deadline=None)
@given(total=st.integers(0, 40), of=st.integers(1, 9))
def test_shares_are_consecutive_cover_everything_and_differ_by_one_at_most(total: int, of: int) -> None:
    parts = [list(range(total))[distributed.share(total, index, of)] for index in range(of)]
    assert [number for part in parts for number in part] == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_what_a_stream_draws_depends_on_its_number_alone_and_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "_streams", 3)

    def draw(things: Sequence[int]) -> list[float]:
        return [float(number) for number in torch.rand(len(things))]

    torch.manual_seed(1)
    whole = distributed.dealt_streams(range(7), draw)
    after = torch.rand(1)
    torch.manual_seed(1)
    seed = distributed.next_seed()
    assert torch.rand(1) == after
    for part in range(3):
        with distributed.stream(seed, part):
            assert draw(range(7)[distributed.share(7, part, 3)]) == whole[distributed.share(7, part, 3)]


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=8), cut=st.integers(0, 8))
def test_tallies_of_parts_add_up_to_that_of_the_whole(values: list[float], cut: int) -> None:
    def told(part: list[float]) -> Tally:
        tally = Tally()
        for value in part:
            tally.mean("mean", torch.tensor([value, 1.0]), torch.tensor([1.0, 0.0]))
            tally.sum("sum", value)
            tally.lowest("lowest", value)
            tally.highest("highest", torch.tensor(value))
            tally.put("last", value)
        return tally

    joined = Tally()
    for part in (values[:cut], values[cut:]):
        joined.add(told(part).plain())
    assert joined.values() == pytest.approx(told(values).values(), abs=1e-5)
