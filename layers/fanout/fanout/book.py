"""The book: autocallable notes as users write them; what breaks the schema is refused by position, field and value."""

from collections.abc import Iterator
from typing import Any

import msgspec

from fanout.errors import PortfolioError
from fanout.jsonstream import JsonStream, Readable
from fanout.position import NoteUnderlying, Observation, Position, full_position
from fanout.positionmarket import check_position, path_group, remaining_dates
from fanout.refusals import fit, show
from fanout.strictjson import Flaw
from fanout.workshop import is_workshop_note, workshop_position

__all__ = [
    "DEFAULT_NAME",
    "Book",
    "NoteUnderlying",
    "Observation",
    "Position",
    "check_position",
    "decode_position",
    "encode_position",
    "parse_position",
    "path_group",
    "read_book",
    "remaining_dates",
]
SCHEMA = "stepbatch/book/1"
DEFAULT_NAME = "book"
EXPECTED = '{"positions": [...]}'
KEYS = ("schema", "name", "positions")


def parse_position(raw: Any, index: int, where: str | None = None) -> Position:
    """A position of the user's book, in the full format or the workshop's, whole by itself.

    Raises PortfolioError with the field's place under ``where`` (``positions[index]``), its value and the id.
    """
    where = where or f"positions[{index}]"
    if isinstance(raw, Flaw):
        raise PortfolioError(where, raw.problem)
    if not isinstance(raw, dict):
        raise PortfolioError(where, f"{show(raw)} is not an object")
    try:
        return (workshop_position if is_workshop_note(raw) else full_position)(raw, index, where)
    except PortfolioError as error:
        if not isinstance(name := raw.get("id"), str):
            raise
        raise PortfolioError(error.where, f"{error.problem} (id {show(name)})") from error.__cause__


class Book:
    """A book being read: its positions come one at a time, in the user's order, each checked by itself."""

    def __init__(self, stream: Readable, *, unique_ids: bool = True) -> None:
        self.name = DEFAULT_NAME  # known once it has been read, which may be after the positions
        self._text = JsonStream(stream, PortfolioError, "book")
        self._ids: dict[str, int] | None = {} if unique_ids else None
        self.positions = self._positions()

    def __iter__(self) -> Iterator[Position]:
        return self.positions

    def _positions(self) -> Iterator[Position]:
        text, seen = self._text, set()
        if not (first := text.peek()):
            raise PortfolioError("book", f"is empty: expected {EXPECTED}")
        if first != "{":
            raise PortfolioError("book", f"{glance(text)} is not an object: expected {EXPECTED}")
        for key in text.members():
            if key in seen:
                raise PortfolioError("book", f"the key {key!r} is given twice")
            seen.add(key)
            if key == "positions":
                yield from self._elements()
            elif key == "name":
                self.name = fit(text.value(), str, "name", PortfolioError)
            elif key == "schema":
                self._check_schema(text.value())
            else:
                raise PortfolioError(key, f"unknown key: a book has {', '.join(KEYS)}")
        text.end()
        if "positions" not in seen:
            raise PortfolioError("positions", "is missing: the book has no positions")

    def _check_schema(self, schema: Any) -> None:
        if schema != SCHEMA:
            raise PortfolioError("schema", f"{show(schema)} is not {SCHEMA!r}")

    def _elements(self) -> Iterator[Position]:
        if self._text.peek() != "[":
            raise PortfolioError("positions", f"{glance(self._text)} is not a list")
        index = -1
        for index, raw in enumerate(self._text.elements()):
            position = parse_position(raw, index)
            if self._ids is not None and (other := self._ids.setdefault(position.id, index)) != index:
                raise repeated_id(index, other, position.id)
            yield position
        if index < 0:
            raise PortfolioError("positions", "is empty: the book has no positions")


def glance(text: JsonStream) -> str:
    """The value that comes next, for a message; one that may be long is only called what it is."""
    return {"{": "an object", "[": "a list"}.get(text.peek()) or show(text.value())


def repeated_id(index: int, other: int, name: str) -> PortfolioError:
    return PortfolioError(f"positions[{index}].id", f"{name!r} is the id of positions[{other}] already")


def read_book(stream: Readable, *, unique_ids: bool = True) -> Book:
    """A book from its JSON text, position by position; iterating raises PortfolioError where something is wrong.

    Memory is for a piece of the text, and for the ids to know a repeated one (about 150 bytes a position); without
    ``unique_ids`` that is left to the caller.
    """
    return Book(stream, unique_ids=unique_ids)


def encode_position(position: Position) -> bytes:
    """A line of ``positions.jsonl``, without its newline: the full format plus ``index``."""
    return msgspec.json.encode(position)


def decode_position(line: bytes) -> Position:
    """A position from a line of ``positions.jsonl``. Raises msgspec.ValidationError for anything else."""
    return msgspec.json.decode(line, type=Position)
