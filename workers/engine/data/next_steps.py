"""Pairs of next steps behind steps that both answers share: what the first of them got wrong, and nothing else.

Of two whole answers the steps at the beginning that are alike are context, the first steps that differ are the pair, and what
comes after is left out. Of an answer whose steps are labelled, the first wrong one is rejected for its correction. Only the
pair's tokens are trained: a step ends with the separator after it, an answer's last one with the end of text.
"""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from workers.contract.records import Record, Text
from workers.engine.data.labelled_steps import Labels, first_wrong, labelled_steps
from workers.engine.data.pairs import render_answer
from workers.engine.data.rendering import Rendered
from workers.engine.data.steps import answer_places, pieces
from workers.engine.faults import DataFault


@dataclass(frozen=True)
class NextSteps:
    """Two steps as texts, with the separators that close them, behind `before`; `last` says which end their answer."""

    before: str
    steps: tuple[str, str]
    last: tuple[bool, bool]


def of_answers(chosen: str, rejected: str, before: str, separator: str) -> NextSteps:
    """The first steps in which two answers differ; both may already stand behind a text `before`.

    An answer that ends where the other goes on has an empty step there.
    """
    sides = pieces(chosen, separator), pieces(rejected, separator)
    shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(*sides, strict=False)))
    steps = [side[shared] if shared < len(side) else "" for side in sides]
    last = [shared + 1 >= len(side) for side in sides]
    return NextSteps(before + "".join(sides[0][:shared]), (steps[0], steps[1]), (last[0], last[1]))


def of_labels(record: Record, row: int, labels: Labels, correction: str, separator: str) -> NextSteps | None:
    """`correction` over the first wrong step of the row's answer; None where no step is wrong. Raises DataFault."""
    found = labelled_steps(record, row, labels)
    wrong = first_wrong([chance for _, chance in found])
    if wrong == len(found):
        return None
    last = wrong == len(found) - 1
    close = "" if last else separator
    return NextSteps("".join(step + separator for step, _ in found[:wrong]), (correction + close, found[wrong][0] + close),
                     (last, last))


def one_text(answer: Text, row: int) -> str:
    """The text of an answer, or of its only turn. Raises DataFault for an answer of several turns."""
    if isinstance(answer, str):
        return answer
    if len(answer) != 1:
        raise DataFault(f"Row {row + 1} has an answer of {len(answer)} turns, and steps are parts of one.",
                        "Choose pairs whose answers are one turn each.")
    return answer[0].content


def render_steps(tokenizer: Any, record: Record, pair: NextSteps, *, end_of_text: bool) -> list[Rendered]:
    """Prompt, `before` and either step, the step alone trained; a last one with its end of text if that is asked.

    A token that lies across the border is the step's where the two sides have different ones.
    """
    sides = [_render(tokenizer, record, pair.before, step, whole=end_of_text and last)
             for step, last in zip(pair.steps, pair.last, strict=True)]
    ids, borders = [found for found, _ in sides], [border for _, border in sides]
    start = next((at for at, both in enumerate(zip(*ids, strict=False)) if both[0] != both[1]), min(map(len, ids)))
    start = min(start, *borders)
    return [Rendered(found, [at >= start for at in range(len(found))]) for found in ids]


def _render(tokenizer: Any, record: Record, before: str, step: str, *, whole: bool) -> tuple[list[int], int]:
    """Tokens up to the end of the step, or with all that ends an answer; and the first token behind `before`."""
    row = render_answer(tokenizer, record, before + step)
    places = answer_places(tokenizer, row, before + step, [len(before), len(before + step)])
    border = places[0] + 1 if before else row.prompt_length
    if whole:
        # What a template puts behind the answer's end mark is nothing to learn.
        return row.ids[: len(row.trained) - row.trained[::-1].index(True)], border
    return row.ids[: places[1] + 1 if before + step else row.prompt_length], border
