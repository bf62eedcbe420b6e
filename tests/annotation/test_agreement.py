"""Agreement against the examples that Krippendorff worked out (2011)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.annotation.agreement import alpha, interval, nominal, ordinal, raw_agreement

# Example A: two observers, ten units, two values.
MEG, OWEN = "0100000010", "1110010000"
# Example B: two observers, twelve units, five values.
BEN, GERRY = "aabbdcccedda", "babbbccceddd"
# Example C: four observers, twelve units, five values, some missing.
FOUR = ("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
UNITS = [[float(value) for value in unit if value != "."] for unit in zip(*(row.split() for row in FOUR), strict=True)]


def test_two_observers_and_two_values():
    assert alpha(list(zip(MEG, OWEN, strict=True)), nominal) == pytest.approx(0.095, abs=5e-4)


def test_two_observers_and_five_values():
    assert alpha(list(zip(BEN, GERRY, strict=True)), nominal) == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize(("distance", "published"), [(nominal, 0.743), (ordinal, 0.815), (interval, 0.849)])
def test_four_observers_with_values_missing(distance, published):
    assert alpha(UNITS, distance) == pytest.approx(published, abs=5e-4)


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=4), max_size=8))
def test_alpha_is_one_where_all_agree_and_never_more(units):
    found = alpha(units, nominal)
    assert found is None or found <= 1
    if found is not None and all(len(set(unit)) < 2 for unit in units):
        assert found == 1


def test_without_two_values_there_is_no_agreement():
    assert alpha([["a"], [], ["b"]], nominal) is None
    assert alpha([["a", "a"], ["a", "a"]], nominal) is None, "one value alone: chance would agree as well"
    assert raw_agreement([["a"], []]) is None


def test_raw_agreement_counts_pairs_within_units():
    assert raw_agreement([["a", "a", "b"], ["b", "b"]]) == pytest.approx((2 + 2) / (6 + 2))

