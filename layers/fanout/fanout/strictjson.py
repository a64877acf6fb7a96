"""JSON without its traps: a repeated key, NaN and numbers beyond a double are not values.

The scanner is the standard library's in C. What is not admitted is decoded to a ``Flaw`` in place of the value, so that
whoever checks the document against its type can name the place: ``underlyings.SX5E.spot: NaN is not a finite number``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from fanout.errors import LocatedError


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where a value should be; fits no type."""

    problem: str


def without_repetition(pairs: list[tuple[str, Any]]) -> Any:
    """The object of these pairs, or a Flaw that names the key given twice."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return Flaw(f"the key {repeated!r} is given twice")


def not_finite(name: str) -> Flaw:
    """NaN, Infinity and -Infinity, which Python's scanner would admit."""
    return Flaw(f"{name} is not a finite number")


TOO_MANY_DIGITS = "a whole number has more than 4,300 digits"
LONE_SURROGATE = "a character is escaped as half of a surrogate pair"
DECODER = json.JSONDecoder(object_pairs_hook=without_repetition, parse_constant=not_finite)


def parse_json(data: bytes | str, error: Callable[[str, str], LocatedError], where: str) -> Any:
    """A whole JSON text in UTF-8, Flaws and all; what is no JSON is raised as ``error(where, problem)``."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(where, f"byte {fault.start} is not UTF-8") from fault
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise error(where, describe(fault, fault.lineno, fault.colno)) from fault
    except RecursionError as fault:
        raise error(where, "is nested too deeply") from fault
    except ValueError as fault:  # the scanner's only other one
        raise error(where, TOO_MANY_DIGITS) from fault
    if has_lone_surrogate(value, text, 0, len(text)):
        raise error(where, f"is not Unicode: {LONE_SURROGATE}")
    return value


def has_lone_surrogate(value: Any, text: str, start: int, end: int) -> bool:
    """Whether a string in ``value``, decoded from ``text[start:end]``, cannot be written as UTF-8 again."""
    if text.find("\\u", start, end) < 0:
        return False
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False


def without_flaws(elements: str) -> list[Any] | None:
    """The values of a list's elements, decoded fast; None if they are no JSON, or cannot be told to repeat no key.

    A repeated key is dropped in decoding, and its colon with it: written again, the values have as many colons as
    before only if nothing was dropped. Escapes, which could stand for a colon, are left to the scanner.
    """
    if "\\" in elements:
        return None
    try:
        values: list[Any] = msgspec.json.decode(f"[{elements}]")
    except (msgspec.DecodeError, RecursionError):
        return None
    return values if msgspec.json.encode(values).count(b":") == elements.count(":") else None


def describe(fault: json.JSONDecodeError, line: int, column: int) -> str:
    """Where a text stops being JSON, for its author."""
    message = fault.msg[0].lower() + fault.msg[1:]
    if fault.doc[fault.pos :].strip(" \t\r\n") == "":
        message += ", but the text ends"
    return f"is not JSON at line {line}, column {column}: {message}"
