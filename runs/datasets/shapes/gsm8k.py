"""GSM8K (github.com/openai/grade-school-math): worked solutions that end in `#### result`.

Read as prompts with the result as the answer to check, or as demonstrations of the whole solution. Options:
`marker` (default `####`) stands before the result; `drop_calculator` takes the `<<48/2=24>>` notes out.
"""

import re

from runs.datasets.shapes.kinds import alike
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.row import Row
from runs.datasets.shapes.sample import Sample
from workers.contract.records import Record, RecordKind

KINDS = frozenset({RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION})
MARKER = "####"
CALCULATOR = re.compile(r"<<[^<>]*>>")
QUESTIONS = ("question", "problem", "prompt", "query", "instruction")
SOLUTIONS = ("answer", "solution", "response", "completion", "output")


def detect(sample: Sample) -> list[Mapping]:
    question, solution = sample.first_of(QUESTIONS), sample.first_of(SOLUTIONS)
    if not question or not solution or not sample.every(solution, lambda value: isinstance(value, str) and MARKER in value):
        return []
    checked = Mapping(
        kind=RecordKind.PROMPT_ANSWER,
        shape="gsm8k",
        columns={"prompt": question, "answer": solution},
        options={"marker": MARKER},
        label=f"Problems; the result after {MARKER} is the answer to check",
        confidence=0.97,
    )
    shown = Mapping(
        kind=RecordKind.DEMONSTRATION,
        shape="gsm8k",
        columns={"prompt": question, "completion": solution},
        options={"drop_calculator": False},
        label="Problems with their worked solutions to imitate",
        confidence=0.95,
    )
    return [checked, shown]


def read(row: Row) -> list[Record]:
    return _checked(row) if row.mapping.kind == RecordKind.PROMPT_ANSWER else _shown(row)


def _checked(row: Row) -> list[Record]:
    """The result is the answer; the worked solution stays beside it as the extra column `solution`."""
    prompt, solution = row.text("prompt"), row.string("answer")
    if prompt is None or solution is None:
        return []
    marker = str(row.option("marker", MARKER))
    _, found, result = solution.rpartition(marker)
    if not found or not result.strip():
        column = row.column("answer")
        row.fault(column, f"`{column}` has no result after {marker}. Fix it, or map it as plain columns.")
        return []
    return [Record(prompt=prompt, answer=result.strip().replace(",", ""), extra={"solution": solution} | row.extra())]


def _shown(row: Row) -> list[Record]:
    prompt, solution = row.text("prompt"), row.string("completion")
    if prompt is None or solution is None:
        return []
    if row.option("drop_calculator", False):
        solution = CALCULATOR.sub("", solution)
    prompt, completion = alike(prompt, solution)
    return [Record(prompt=prompt, completion=completion, extra=row.extra())]
