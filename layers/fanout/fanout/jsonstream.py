"""A JSON document read piece by piece: values one at a time, memory for a piece of the text and one value.

The scanner is the standard library's; a value that ends beyond the text at hand is scanned again with more of it.
Objects of a list that begin alike are decoded by msgspec, all that lie whole in the text at hand at once, several times
as fast; where it refuses, or could have hidden a fault, the scanner has the word.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from fanout.errors import LocatedError
from fanout.strictjson import DECODER, LONE_SURROGATE, TOO_MANY_DIGITS, describe, has_lone_surrogate, without_flaws

PIECE = 1 << 20  # bytes read at a time
LONGEST_VALUE = 1 << 23  # characters: beyond that a text that does not parse is broken, not unfinished
GOES_ON = ("", *"0123456789.eE+-")  # after a value: more of a number may follow
OPENING = re.compile(r'\{[ \t\r\n]*"[^"\\]*"')  # of an object, to its first key
BLANKS = " \t\r\n"


class Readable(Protocol):
    """What is asked of a stream: a file, an object's body."""

    def read(self, size: int, /) -> bytes: ...


class JsonStream:
    """A cursor in a JSON text in UTF-8; ``error(where, problem)`` is raised for what is not JSON."""

    def __init__(self, stream: Readable, error: Callable[[str, str], LocatedError], where: str) -> None:
        self._stream = stream
        self._error = error
        self._where = where
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0  # of the cursor in the text at hand
        self._ended = False
        self._lines = 0  # before the text at hand
        self._column = 0  # of the text at hand's first character
        self._tried = False  # to decode many values of the text at hand

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if (character := self._text[self._at]) not in BLANKS:
                    return character
                self._at += 1
            if self._ended:
                return ""
            self._read()

    def take(self, character: str) -> bool:
        """Whether the next character is this one; if so it is passed."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def expect(self, character: str) -> None:
        if not self.take(character):
            raise self.syntax_error(f"expecting {character!r}")

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as fault:
                if self._exhausted():
                    raise self._no_value(fault) from fault
            except RecursionError as fault:
                raise self.syntax_error("nested too deeply") from fault
            except ValueError as fault:  # the scanner's only other one
                raise self.syntax_error(TOO_MANY_DIGITS) from fault
            else:
                if self._text[end : end + 1] not in GOES_ON or self._exhausted():
                    break
            self._read()
        if has_lone_surrogate(value, self._text, self._at, end):
            raise self.syntax_error(LONE_SURROGATE)
        self._at = end
        return value

    def members(self) -> Iterator[str]:
        """The keys of the object here; the consumer reads each one's value."""
        self.expect("{")
        if self.take("}"):
            return
        while True:
            if self.peek() != '"':
                raise self.syntax_error("expecting a key in double quotes")
            key = self.value()
            self.expect(":")
            yield key
            if self.take("}"):
                return
            self.expect(",")

    def elements(self) -> Iterator[Any]:
        """The values of the list here, one at a time."""
        self.expect("[")
        if self.take("]"):
            return
        while True:
            yield self.value()
            if self.take("]"):
                return
            self.expect(",")
            yield from self._many()

    def _many(self) -> list[Any]:
        """The values up to the last one that begins in the text at hand as the next one does; often none, always whole.

        A cut at the wrong comma leaves brackets open, and is no JSON. Tried once for each piece of text.
        """
        self.peek()
        opening = None if self._tried else OPENING.match(self._text, self._at)
        self._tried = True
        if not opening:
            return []
        last = max(self._text.rfind(opening[0], self._at + 1), self._at)
        before = self._text[self._at : last].rstrip(BLANKS)
        if not before.endswith(",") or (values := without_flaws(before[:-1])) is None:
            return []
        self._at += len(before)
        return values

    def end(self) -> None:
        """Nothing but blanks may follow."""
        if self.peek():
            raise self.syntax_error("the document has ended, but text follows")

    def syntax_error(self, problem: str) -> LocatedError:
        line, column = self._place(self._at)
        if not self.peek():
            problem += ", but the text ends"
        return self._error(self._where, f"is not JSON at line {line}, column {column}: {problem}")

    def _exhausted(self) -> bool:
        """Whether more text would not help to read the value here."""
        return self._ended or len(self._text) - self._at > LONGEST_VALUE

    def _no_value(self, fault: json.JSONDecodeError) -> LocatedError:
        if not self._ended and fault.pos - self._at > LONGEST_VALUE // 2:
            line, column = self._place(self._at)
            return self._error(self._where, f"the value at line {line}, column {column} is longer than can be read")
        line, column = self._place(fault.pos)
        return self._error(self._where, describe(fault, line, column))

    def _place(self, at: int) -> tuple[int, int]:
        newline = self._text.rfind("\n", 0, at)
        line = self._lines + self._text.count("\n", 0, at) + 1
        return line, at - newline if newline >= 0 else self._column + at + 1

    def _read(self) -> None:
        """Drops the text before the cursor and appends a piece, a longer one when a value did not fit."""
        line, column = self._place(self._at)
        self._lines, self._column = line - 1, column - 1
        rest = self._text[self._at :]
        data = self._stream.read(max(PIECE, len(rest)))
        self._ended = not data
        try:
            self._text = rest + self._utf8.decode(data, final=self._ended)
        except UnicodeDecodeError as fault:
            raise self._error(self._where, f"is not UTF-8 after line {line}: {fault.reason}") from fault
        self._at, self._tried = 0, False
