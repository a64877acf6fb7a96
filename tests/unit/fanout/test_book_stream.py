"""A JSON text in pieces of any size is read as if it were whole."""

import json
from io import BytesIO
from typing import Any

import pytest

from fanout import jsonstream
from fanout.errors import PortfolioError
from fanout.jsonstream import JsonStream

DOCUMENT = {"name": "ünïcödé €", "positions": [{"a": 12345.678, "b": [True, None, 'x\\"]}']}, 7, "s", -1e-5, {}]}


class Dribble:
    """A stream that gives at most ``size`` bytes at a time, and counts what it gave."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = BytesIO(data)
        self._size = size
        self.given = 0

    def read(self, size: int, /) -> bytes:
        data = self._data.read(min(size, self._size))
        self.given += len(data)
        return data


def read(stream: Dribble) -> dict[str, Any]:
    text = JsonStream(stream, PortfolioError, "book")
    members = {key: list(text.elements()) if key == "positions" else text.value() for key in text.members()}
    text.end()
    return members


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1 << 20])
@pytest.mark.parametrize("indent", [None, 3])
def test_pieces_cut_anywhere_give_the_same_values(size: int, indent: int | None) -> None:
    text = json.dumps(DOCUMENT, ensure_ascii=False, indent=indent).encode()
    assert read(Dribble(text, size)) == DOCUMENT


@pytest.mark.parametrize("size", [1, 4, 1 << 20])
def test_a_fault_is_placed_by_line_and_column_whatever_the_pieces(size: int) -> None:
    text = b'{"positions": [\n  {"a": 1},\n  {"b" 2}\n]}'
    with pytest.raises(PortfolioError, match=r"line 3, column 8: expecting ':' delimiter$"):
        read(Dribble(text, size))


@pytest.mark.parametrize("size", [1, 4, 1 << 20])
def test_a_missing_comma_is_placed_by_line_and_column_whatever_the_pieces(size: int) -> None:
    with pytest.raises(PortfolioError, match=r"line 2, column 4: expecting ','$"):
        read(Dribble(b'{"positions": [1,\n2, 3 4]}'.replace(b"2, 3 4", b"2  4"), size))


@pytest.mark.parametrize("broken", [b'{"a": }', b'{"a": "never closed}'])
def test_a_broken_value_early_in_a_long_text_does_not_read_it_to_its_end(
    broken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST_VALUE", 1000)
    stream = Dribble(b'{"positions": [' + broken + b" " * 100_000 + b"]}", 100)
    with pytest.raises(PortfolioError, match=r"book: is not JSON at line 1, column 2[12]"):
        read(stream)
    assert stream.given < 3000


def test_a_value_that_is_too_long_to_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST_VALUE", 1000)
    stream = Dribble(b'{"positions": [' + json.dumps(list(range(10_000))).encode() + b"]}", 100)
    with pytest.raises(PortfolioError, match="the value at line 1, column 16 is longer than can be read"):
        read(stream)
    assert stream.given < 3000
