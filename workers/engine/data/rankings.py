"""Rankings as samples: the answers to one prompt as one group, behind a prompt that is computed once.

What cannot teach anything is left out and told: an empty answer, fewer than two answers, answers that are all ranked equal or
are all the same (as the model reads them). A pair is a ranking of two. Whole groups are taken, however many answers a row has.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

from workers.contract.records import Record, Text
from workers.engine.composition import Stream
from workers.engine.data import pairs
from workers.engine.data.pairs import EMPTY, FULL, LONG, LeftOut
from workers.engine.data.rendering import Rendered, Truncation, sample_of
from workers.engine.faults import DataFault
from workers.engine.sample import Sample

TOO_FEW = "with fewer than two answers"
ONE_RANK = "whose answers are all ranked equal"
ALL_EQUAL = "whose answers are all equal"


def render_ranking(tokenizer: Any, record: Record, row: int, *, max_length: int, mode: Truncation,
                   left_out: LeftOut, most_tied: int | None = None) -> list[Sample]:
    """The ranking's answers as one group with scalars `rank` and `of`, how many they are. Raises DataFault.

    One with more than `most_tied` answers of one rank is left out.
    """
    given = ranked(record, row)
    answers = [(answer, rank) for answer, rank in given if not pairs.is_empty(answer)]
    if len(answers) < 2:
        return left_out.add(EMPTY if len(answers) < len(given) else TOO_FEW, row)
    ranks = [rank for _, rank in answers]
    if len(set(ranks)) == 1:
        return left_out.add(ONE_RANK, row)
    if most_tied is not None and max(map(ranks.count, ranks)) > most_tied:
        return left_out.add(f"with more than {most_tied} answers of one rank", row)
    sides = pairs.cut_alike([pairs.render_answer(tokenizer, record, answer) for answer, _ in answers], max_length, mode)
    if sides is None:
        return left_out.add(LONG, row)
    if (reason := teaches_nothing(sides)) is not None:
        return left_out.add(reason, row)
    shared = pairs.shared_length(sides)
    return [replace(sample_of(side, row=row, record=record), prompt_length=shared, group=row,
                    scalars={"rank": rank, "of": float(len(sides))}) for side, rank in zip(sides, ranks, strict=True)]


def teaches_nothing(sides: Sequence[Rendered]) -> str | None:
    """Why the answers, as the model reads them, leave nothing to compare; None where they do."""
    if not all(any(side.trained) for side in sides):
        return FULL
    return ALL_EQUAL if all(side.ids == sides[0].ids for side in sides) else None


def ranked(record: Record, row: int) -> list[tuple[Text, float]]:
    """The answers of a row with their ranks, the lowest being best. Raises DataFault for one that is no ranking."""
    if record.chosen is not None and record.rejected is not None:
        return [(record.chosen, 1.0), (record.rejected, 2.0)]
    if record.prompt is None or record.completions is None or record.ranks is None:
        raise DataFault(f"Row {row + 1} is no ranking: it lacks prompt, completions or ranks.",
                        "Choose a data set of rankings or of preferences.")
    if len(record.ranks) != len(record.completions) or not all(map(math.isfinite, record.ranks)):
        raise DataFault(f"Row {row + 1} has {len(record.completions)} answers and {len(record.ranks)} ranks, or a rank that is "
                        "no number.", "Give each answer one rank, then ingest the data again.")
    return list(zip(record.completions, record.ranks, strict=True))


def take_groups(stream: Stream, count: int) -> list[Sample]:
    """The next `count` rankings whole, each a group of its own even where a row comes twice."""
    found: list[Sample] = []
    for index in range(count):
        first = stream.take(1)[0]
        rest: Sequence[Sample] = stream.take(int(first.scalars["of"]) - 1)
        found += [replace(sample, group=index) for sample in [first, *rest]]
    return found


def first_groups(stream: Stream, limit: int) -> list[Sample]:
    """The samples of the first `limit` rankings in file order."""
    return [sample for _, members in islice(groupby(stream.all(), key=lambda one: one.row), limit) for sample in members]
