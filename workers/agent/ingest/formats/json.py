"""A JSON list of objects, or objects one after another over any number of lines, read without holding the file."""

import codecs
import json
from typing import TYPE_CHECKING

from runs.datasets.shapes.mapping import Fault
from workers.agent.ingest.formats.jsonl import row_of
from workers.agent.ingest.items import ROW_BYTES, Items
from workers.agent.ingest.strict_json import LENIENT, BadValue, decode_at, parse_fault

if TYPE_CHECKING:
    from workers.agent.ingest.bytes_in import ByteSource

BLOCK = 2**16


class Window:
    """The part of the text that is not read yet; knows the line and column of every character in it."""

    def __init__(self, source: "ByteSource") -> None:
        self._source = source
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self.text = ""
        self.at = 0
        self.line = 1
        self._line_start = 0
        self.ended = False

    def grow(self) -> bool:
        """Reads on, as much again as is there; False at the end of the file. Raises UnicodeDecodeError."""
        if self.ended:
            return False
        kept = self.text[self.at :]
        self._line_start -= self.at
        block = self._source.stream.read(max(BLOCK, len(kept)))
        self.ended = not block
        self.text, self.at = kept + self._decode.decode(block, final=self.ended), 0
        return True

    def move(self, to: int) -> None:
        """Goes to `to`, counting the lines passed."""
        passed = self.text.count("\n", self.at, to)
        if passed:
            self.line += passed
            self._line_start = self.text.rfind("\n", self.at, to) + 1
        self.at = to

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character ahead, from 1."""
        passed = self.text.count("\n", self.at, at)
        start = self.text.rfind("\n", self.at, at) + 1 if passed else self._line_start
        return self.line + passed, at - start + 1

    def peek(self) -> str:
        """The next character that is not white space, where the window then stands; empty at the end."""
        while True:
            rest = self.at
            while rest < len(self.text) and self.text[rest] in " \t\r\n":
                rest += 1
            self.move(rest)
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.grow():
                return ""


def read(source: "ByteSource") -> Items:
    window = Window(source)
    try:
        yield from _rows(window)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        yield Fault(line=window.line, message=f"Byte 0x{byte:02x} on or after this line is not UTF-8. Save the file in UTF-8.")


def _rows(window: Window) -> Items:
    is_list = window.peek() == "["
    if is_list:
        window.move(window.at + 1)
        if window.peek() == "]":
            return
    while True:
        yield from _element(window)
        if window.at < 0:
            return
        following = window.peek()
        if is_list and following == ",":
            window.move(window.at + 1)
            window.peek()
        elif is_list and following == "]":
            window.move(window.at + 1)
            if window.peek():
                yield _here(window, "There is text behind the end of the list. Give one list, or one object a line.")
            return
        elif is_list or not following:
            if is_list:
                yield _here(window, "The list is not closed: a comma or ] is missing here.")
            return


def _element(window: Window) -> Items:
    """One value; after one that cannot be parsed the window stands at -1, for nobody knows where the next begins."""
    while True:
        try:
            value, end = decode_at(window.text, window.at)
            line = window.line
            window.move(end)
            yield row_of(line, value, escapes="\\u" in window.text)
            return
        except json.JSONDecodeError as error:
            if len(window.text) - window.at <= ROW_BYTES and window.grow():
                continue
            line, column = window.place(error.pos)
            yield Fault(line=line, column=column, message=parse_fault(error, window.text))
            window.at = -1
            return
        except BadValue as error:
            yield Fault(line=window.line, field=error.field, message=str(error))
            _skip(window)
            return


def _skip(window: Window) -> None:
    """Goes behind a value that parses but is refused."""
    while True:
        try:
            window.move(LENIENT.raw_decode(window.text, window.at)[1])
            return
        except (json.JSONDecodeError, RecursionError):
            if len(window.text) - window.at > ROW_BYTES or not window.grow():
                window.at = -1
                return


def _here(window: Window, message: str) -> Fault:
    line, column = window.place(window.at)
    return Fault(line=line, column=column, message=message)
