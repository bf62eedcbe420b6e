"""Answers in steps with a label each: chances that a step is right, or people's marks.

Chances are in [0, 1], or false and true. Marks are −1, 0 and 1, read as wrong, right, right.
"""

from typing import Literal

from workers.contract.records import Record
from workers.engine.faults import DataFault

Labels = Literal["chances", "marks"]


def labelled_steps(record: Record, row: int, labels: Labels) -> list[tuple[str, float]]:
    """The steps that have text, without white space at their ends, and the chance that each is right.

    Raises DataFault for a row without steps and labels, and for labels that do not fit.
    """
    if record.prompt is None or record.completions is None or record.labels is None:
        raise DataFault(f"Row {row + 1} has no labelled steps: it lacks prompt, completions or labels.",
                        "Choose a data set of steps with labels.")
    if len(record.completions) != len(record.labels):
        raise DataFault(f"Row {row + 1} has {len(record.completions)} steps and {len(record.labels)} labels.",
                        "Give each step one label, then ingest the data again.")
    if not all(isinstance(step, str) for step in record.completions):
        raise DataFault(f"Row {row + 1} has steps that are no texts.", "Give each step as a text, then ingest the data again.")
    chances = [chance(label, labels, row, at) for at, label in enumerate(record.labels)]
    return [(str(step).strip(), found) for step, found in zip(record.completions, chances, strict=True) if str(step).strip()]


def chance(label: bool | float, labels: Labels, row: int, at: int) -> float:
    """The label of step `at` as the chance that it is right. Raises DataFault for one out of range."""
    if labels == "marks" and label in {-1, 0, 1}:
        return 0.0 if label == -1 else 1.0
    if labels == "chances" and 0 <= label <= 1:
        return float(label)
    allowed, other = ("−1, 0 or 1", "chances") if labels == "marks" else ("from 0 to 1", "marks")
    raise DataFault(f"Row {row + 1}: the label of step {at + 1} is {label:g}, and labels are {allowed}.",
                    f"Correct the label, or set labels to {other}.")


def first_wrong(chances: list[float]) -> int:
    """The first step that is more likely wrong than right; the number of steps where none is."""
    return next((at for at, found in enumerate(chances) if found < 0.5), len(chances))
