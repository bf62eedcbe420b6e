"""One source row while it is read: values by canonical field; faults and warnings gathered on the way.

Values are taken as they are or refused by name. The few changes made (a number read as text, JSON inside a CSV cell)
are the ones a person would expect, and a number read as text is reported.
"""

import json
from typing import Any

from runs.datasets.shapes.mapping import Fault, Mapping
from runs.datasets.shapes.turns import BadTurn, messages_of
from workers.contract.records import Message, Text

MISSING = object()
TRUE = {"true", "1", "1.0", "yes", "good", "chosen", "correct", "+", "positive", "thumbs_up"}
FALSE = {"false", "0", "0.0", "no", "bad", "rejected", "wrong", "incorrect", "-", "negative", "thumbs_down", "-1", "-1.0"}


class Row:
    """`values` are the source columns. Readers ask for canonical fields; what is missing becomes a fault and None."""

    def __init__(self, values: dict[str, Any], mapping: Mapping) -> None:
        self.values = values
        self.mapping = mapping
        self.faults: list[Fault] = []
        self.warnings: list[tuple[str, str]] = []
        self._taken: set[str] = set()

    def fault(self, field: str, message: str) -> None:
        self.faults.append(Fault(field=field, message=message))

    def warn(self, code: str, message: str) -> None:
        self.warnings.append((code, message))

    def column(self, field: str) -> str:
        return self.mapping.columns.get(field, field)

    def option(self, name: str, default: Any = None) -> Any:
        return self.mapping.options.get(name, default)

    def has(self, field: str) -> bool:
        """Whether the mapping names the field and this row has a value for it."""
        return field in self.mapping.columns and self._look(field) not in (MISSING, None)

    def value(self, field: str, *, required: bool = True) -> Any:
        """The raw value, or None; a required one that is missing or null is a fault."""
        found = self._look(field)
        if found is MISSING or found is None:
            if required:
                state = "missing" if found is MISSING else "null"
                self.fault(self.column(field), f"`{self.column(field)}` is {state}. Fix the file or map another column.")
            return None
        column = self.column(field)
        if column in self.values:
            self._taken.add(column)
        return found

    def text(self, field: str, *, required: bool = True) -> Text | None:
        """A string or a list of messages."""
        found = self.value(field, required=required)
        if isinstance(found, dict) and not {"role", "from"} & found.keys():
            self.fault(self.column(field), f"`{self.column(field)}` is an object; text or messages are needed.")
            return None
        if isinstance(found, list | dict):
            return self._turns(field, found)
        return None if found is None else self._string(field, found)

    def string(self, field: str, *, required: bool = True) -> str | None:
        found = self.value(field, required=required)
        return None if found is None else self._string(field, found)

    def messages(self, field: str) -> list[Message] | None:
        found = self._parsed(field, self.value(field))
        return None if found is None else self._turns(field, found)

    def items(self, field: str) -> list[Any] | None:
        """A list that is not empty."""
        found = self._parsed(field, self.value(field))
        if found is None:
            return None
        if not isinstance(found, list) or not found:
            self.fault(self.column(field), f"`{self.column(field)}` is {kind_of(found)}; a list with entries is needed.")
            return None
        return found

    def number(self, field: str, *, required: bool = True) -> float | None:
        found = self.value(field, required=required)
        if found is None:
            return None
        try:
            if not isinstance(found, bool):
                return float(found)
        except (TypeError, ValueError):
            pass
        self.fault(self.column(field), f"`{self.column(field)}` is {shorten(found)}; a number is needed.")
        return None

    def truth(self, field: str) -> bool | None:
        found = self.value(field)
        return None if found is None else self.truth_of(field, found)

    def truth_of(self, field: str, found: Any) -> bool | None:
        """True and false in the spellings data sets use."""
        word = str(found).strip().lower()
        if word in TRUE or word in FALSE:
            return word in TRUE
        self.fault(self.column(field), f"`{self.column(field)}` is {shorten(found)}; true or false is needed.")
        return None

    def answer(self, field: str = "answer") -> str | None:
        """A reference answer: text; numbers as written, lists and objects as JSON."""
        found = self.value(field)
        if isinstance(found, list | dict):
            return json.dumps(found, ensure_ascii=False)
        if isinstance(found, bool):
            return str(found).lower()
        return None if found is None else str(found)

    def tools(self) -> list[dict[str, Any]] | None:
        found = self._parsed("tools", self.value("tools", required=False)) if "tools" in self.mapping.columns else None
        if found is None or found == []:
            return None
        if not isinstance(found, list) or not all(isinstance(tool, dict) for tool in found):
            self.fault(self.column("tools"), f"`{self.column('tools')}` is {kind_of(found)}; a list of objects is needed.")
            return None
        return found

    def extra(self) -> dict[str, Any]:
        """The columns that fed no field, under their own names."""
        return {name: value for name, value in self.values.items() if name not in self._taken}

    def _look(self, field: str) -> Any:
        column = self.mapping.columns.get(field)
        if column is None:
            return MISSING
        if column in self.values:
            return self.values[column]
        found: Any = self.values
        for part in column.split("."):
            if not isinstance(found, dict) or part not in found:
                return MISSING
            found = found[part]
        return found

    def _string(self, field: str, found: Any) -> str | None:
        column = self.column(field)
        if isinstance(found, str):
            if not found.strip():
                self.warn("empty_text", f"`{column}` is empty.")
            return found
        if isinstance(found, int | float) and not isinstance(found, bool):
            self.warn("number_as_text", f"`{column}` is a number and is read as text.")
            return str(found)
        self.fault(column, f"`{column}` is {kind_of(found)}; text is needed.")
        return None

    def _turns(self, field: str, found: Any) -> list[Message] | None:
        try:
            return messages_of(found, self.mapping.options.get("tags"))
        except BadTurn as error:
            self.fault(self.column(field), f"`{self.column(field)}` {error}")
            return None

    def _parsed(self, field: str, found: Any) -> Any:
        """CSV cannot nest: a cell that holds JSON is read as what it holds."""
        if not isinstance(found, str):
            return found
        try:
            return json.loads(found)
        except (json.JSONDecodeError, RecursionError):
            column = self.column(field)
            self.fault(column, f"`{column}` is text; a list is needed, as JSON where the format cannot nest.")
            return None


def kind_of(value: Any) -> str:
    """What a JSON value is, for a sentence."""
    names = {bool: "true or false", str: "text", int: "a number", float: "a number", dict: "an object"}
    if value == []:
        return "an empty list"
    return names.get(type(value), "a list" if isinstance(value, list) else "null")


def shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text if len(text) <= 40 else text[:40] + "…")
