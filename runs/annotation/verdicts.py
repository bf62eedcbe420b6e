"""What a person may say of a pair, and what follows from it. Sides are those that were shown."""

from enum import StrEnum


class Verdict(StrEnum):
    """From A to B; `skip` says nothing of the pair, only that this person leaves it to others."""

    A_MUCH = "a_much"
    A = "a"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    B = "b"
    B_MUCH = "b_much"
    SKIP = "skip"


SIDES = {Verdict.A_MUCH: "a", Verdict.A: "a", Verdict.B: "b", Verdict.B_MUCH: "b"}
SCALE = {Verdict.A_MUCH: 1.0, Verdict.A: 2.0, Verdict.TIE: 3.0, Verdict.B: 4.0, Verdict.B_MUCH: 5.0}
"""Places from A to B, for agreement on an ordinal scale; "both bad" has no place on it."""
MUCH = frozenset({Verdict.A_MUCH, Verdict.B_MUCH})


def side_of(verdict: str) -> str:
    """ "a" or "b"; empty where no side is preferred."""
    return SIDES.get(Verdict(verdict), "")


def opinion_of(verdict: str) -> str:
    """The verdict without its strength: a, b, tie or both_bad."""
    return side_of(verdict) or verdict


def strength_of(verdict: str) -> int:
    """2 for "much better", 1 for "better", 0 where no side is preferred."""
    found = Verdict(verdict)
    return 0 if found not in SIDES else 2 if found in MUCH else 1
