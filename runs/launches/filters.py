"""The runs table's filter line: words and conditions, parsed into conditions on named fields and nothing else.

`warm-up` or `"two words"` match name, tags and notes; `state:running`, `method:grpo`, `tag:x`, `name:…`, `config.lr:…`
compare a field; `reward>0.5`, `eval/exact_match>=0.9` compare the latest value of a curve. All must hold. What cannot
be read is told with its place and an example, never ignored.
"""

import re
from dataclasses import dataclass
from typing import Literal

from runs.problems import FieldError, Invalid

FIELDS = ("state", "method", "tag", "name", "by", "kind")
METRIC = r"[A-Za-z_][A-Za-z0-9_./@-]{0,119}"
TOKEN = re.compile(
    rf"""\s*(?:
        (?P<metric>{METRIC})(?P<op>>=|<=|!=|>|<|=)(?P<number>\S+)
      | config\.(?P<path>[A-Za-z_][A-Za-z0-9_.]{{0,119}}):(?P<value>"[^"]*"|\S+)
      | (?P<field>[a-z_]+):(?P<text>"[^"]*"|\S+)
      | (?P<word>"[^"]*"|\S+)
    )""",
    re.VERBOSE,
)

Operator = Literal[">=", "<=", "!=", ">", "<", "="]


@dataclass(frozen=True)
class Word:
    text: str


@dataclass(frozen=True)
class FieldIs:
    field: str
    text: str


@dataclass(frozen=True)
class ConfigIs:
    path: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class MetricIs:
    name: str
    op: Operator
    value: float


Condition = Word | FieldIs | ConfigIs | MetricIs


def parse(line: str) -> list[Condition]:
    """Conditions in the order written. Raises Invalid for an unknown field or a bound that is not a number."""
    conditions: list[Condition] = []
    position = 0
    line = line.strip()
    while position < len(line):
        found = TOKEN.match(line, position)
        if found is None:
            break
        conditions.append(_condition(found))
        position = found.end()
    return conditions


def _condition(found: re.Match[str]) -> Condition:
    if found["metric"]:
        return MetricIs(found["metric"], _operator(found["op"]), _number(found))
    if found["path"]:
        return ConfigIs(tuple(found["path"].split(".")), found["value"].strip('"'))
    if found["field"]:
        if found["field"] not in FIELDS:
            raise _unreadable(f"{found['field']}: is not a field. Use {', '.join(FIELDS)}, config.<key>, or metric>number.")
        return FieldIs(found["field"], found["text"].strip('"'))
    return Word(found["word"].strip('"'))


def _operator(text: str) -> Operator:
    operators: dict[str, Operator] = {">=": ">=", "<=": "<=", "!=": "!=", ">": ">", "<": "<", "=": "="}
    return operators[text]


def _number(found: re.Match[str]) -> float:
    try:
        return float(found["number"])
    except ValueError:
        raise _unreadable(f"{found['number']} is not a number. Write it like reward>0.5.") from None


def _unreadable(message: str) -> Invalid:
    return Invalid(message, [FieldError("q", message)])
