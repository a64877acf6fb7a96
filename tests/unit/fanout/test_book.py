"""Books: what is read from them, and what is told to who gives something else."""

import json
from io import BytesIO
from typing import Any

import pytest

from fanout.book import Position, read_book
from fanout.errors import PortfolioError

NOTE: dict[str, Any] = {
    "id": "N1",
    "notional": 10000000,
    "currency": "EUR",
    "underlyings": [{"name": "SX5E", "strike": 3500.0}, {"name": "SMI", "strike": 100.0}],
    "schedule": [{"date": "2020-11-20", "couponBarrier": 0.8}],
    "coupon": 0.05,
    "memory": True,
    "protectionBarrier": 0.6,
}
WORKSHOP: dict[str, Any] = {"notional": 10000000, "strike": 3500, "barrier": 1.0}


def book(*positions: Any, **root: Any) -> BytesIO:
    return BytesIO(json.dumps({"positions": list(positions)} | root).encode())


def test_a_book_has_a_name_and_its_positions_in_order() -> None:
    reading = read_book(book(WORKSHOP, NOTE, WORKSHOP, schema="stepbatch/book/1", name="desk"))
    positions: list[Position] = list(reading)
    assert reading.name == "desk"
    assert [(position.index, position.id) for position in positions] == [(0, "P0"), (1, "N1"), (2, "P2")]


def test_a_name_may_come_before_the_positions_or_not_at_all() -> None:
    named = read_book(BytesIO(b'{"name": "desk", "positions": [' + json.dumps(NOTE).encode() + b"]}"))
    assert [position.id for position in named] == ["N1"]
    assert named.name == "desk"
    assert read_book(book(NOTE)).name == "book"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (b"", "book", 'is empty: expected {"positions": [...]}'),
        (b" \n ", "book", 'is empty: expected {"positions": [...]}'),
        (b"[]", "book", 'a list is not an object: expected {"positions": [...]}'),
        (b'"positions"', "book", "'positions' is not an object: expected {\"positions\": [...]}"),
        (b"{}", "positions", "is missing: the book has no positions"),
        (b'{"name": "desk"}', "positions", "is missing: the book has no positions"),
        (b'{"positions": []}', "positions", "is empty: the book has no positions"),
        (b'{"positions": {}}', "positions", "an object is not a list"),
        (b'{"positions": 48}', "positions", "48 is not a list"),
        (b'{"schema": "stepbatch/book/2"}', "schema", "'stepbatch/book/2' is not 'stepbatch/book/1'"),
        (b'{"name": 7}', "name", "7 is not text"),
        (b'{"trades": []}', "trades", "unknown key: a book has schema, name, positions"),
        (b'{"name": "a", "name": "b"}', "book", "the key 'name' is given twice"),
        (b"{name: 1}", "book", "is not JSON at line 1, column 2: expecting a key in double quotes"),
        (
            b'{"positions": [\n{"notional": 1,}]}',
            "book",
            "is not JSON at line 2, column 15: illegal trailing comma before end of object",
        ),
        (b'{"positions": [\n\n  {"notional" 1}]}', "book", "is not JSON at line 3, column 15: expecting ':' delimiter"),
        (
            b'{"positions": [{"notional": 1',
            "book",
            "is not JSON at line 1, column 30: expecting ',' delimiter, but the text ends",
        ),
        (b'{"name": "desk"', "book", "is not JSON at line 1, column 16: expecting ',', but the text ends"),
        (b'{"name": nan}', "book", "is not JSON at line 1, column 10: expecting value"),
        (
            b'{"name": ' + b"9" * 5000 + b"}",
            "book",
            "is not JSON at line 1, column 10: a whole number has more than 4,300 digits",
        ),
        (b'{"name": ' + b"[" * 100000, "book", "is not JSON at line 1, column 10: nested too deeply"),
        (
            b'{"name": "\\ud800"}',
            "book",
            "is not JSON at line 1, column 10: a character is escaped as half of a surrogate pair",
        ),
        (b'\n{"name": "\xff"}', "book", "is not UTF-8 after line 1: invalid start byte"),
    ],
)
def test_what_is_no_book_is_refused_by_place(text: bytes, place: str, problem: str) -> None:
    with pytest.raises(PortfolioError) as refusal:
        list(read_book(BytesIO(text)))
    assert (refusal.value.where, refusal.value.problem) == (place, problem)


def test_text_after_the_book_is_refused() -> None:
    with pytest.raises(
        PortfolioError, match=r"^book: is not JSON at line 2, column 1: the document has ended, but text"
    ):
        list(read_book(BytesIO(book(NOTE).read() + b"\n{}")))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused_where_they_stand(number: str) -> None:
    text = json.dumps({"positions": [WORKSHOP, WORKSHOP]}).replace('"strike": 3500', f'"strike": {number}')
    with pytest.raises(PortfolioError) as refusal:
        list(read_book(BytesIO(text.encode())))
    assert str(refusal.value) == f"positions[0].strike: {number} is not a finite number"


def test_a_number_beyond_a_double_is_refused() -> None:
    text = b'{"positions": [{"notional": 1e999, "strike": 1, "barrier": 1}]}'
    with pytest.raises(PortfolioError, match=r"^positions\[0\]\.notional: inf is not a finite number"):
        list(read_book(BytesIO(text)))


def test_a_key_given_twice_is_refused_wherever_it_stands() -> None:
    outer = b'{"positions": [{"notional": 1, "strike": 1, "barrier": 1, "strike": 2}]}'
    with pytest.raises(PortfolioError, match=r"^positions\[0\]: the key 'strike' is given twice$"):
        list(read_book(BytesIO(outer)))
    inner = book(NOTE).read().replace(b'{"name": "SMI",', b'{"name": "SMI", "name": "DAX",')
    with pytest.raises(
        PortfolioError, match=r"^positions\[0\]\.underlyings\[1\]: the key 'name' is given twice \(id 'N1"
    ):
        list(read_book(BytesIO(inner)))


def test_an_id_used_twice_names_both_places() -> None:
    with pytest.raises(PortfolioError) as refusal:
        list(read_book(book(NOTE, WORKSHOP, NOTE)))
    assert str(refusal.value) == "positions[2].id: 'N1' is the id of positions[0] already"
    with pytest.raises(PortfolioError, match="'P1' is the id of"):
        list(read_book(book(NOTE | {"id": "P1"}, WORKSHOP)))


def test_a_book_may_begin_with_a_byte_order_mark() -> None:
    assert len(list(read_book(BytesIO(b"\xef\xbb\xbf" + book(NOTE).read())))) == 1
