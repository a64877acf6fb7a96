"""A JSON text in pieces of any size is read as if it were whole."""

import json
from io import BytesIO
from typing import Any

import pytest

from fanout import jsonstream
from fanout.errors import PortfolioError
from fanout.jsonstream import JsonStream
from fanout.strictjson import Flaw

DOCUMENT = {"name": "ünïcödé €", "positions": [{"a": 12345.678, "b": [True, None, 'x\\"]}']}, 7, "s", -1e-5, {}]}


MANY = [{"id": f"N:{n}", "levels": [{"at": n}, {"at": -n}], "ü": None} for n in range(500)]


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


@pytest.mark.parametrize("size", [100, 4_000, 1 << 20])
@pytest.mark.parametrize("indent", [None, 1])
def test_objects_that_begin_alike_are_read_whole_and_in_order(size: int, indent: int | None) -> None:
    text = json.dumps({"positions": MANY}, ensure_ascii=False, indent=indent).encode()
    assert read(Dribble(text, size)) == {"positions": MANY}


def test_objects_that_begin_alike_are_decoded_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = []
    value = JsonStream.value
    monkeypatch.setattr(JsonStream, "value", lambda stream: scanned.append(1) or value(stream))  # type: ignore[func-returns-value]
    text = json.dumps({"positions": MANY}, ensure_ascii=False).encode()
    assert read(Dribble(text, 1 << 20)) == {"positions": MANY}
    assert len(scanned) < 5


@pytest.mark.parametrize("number", [0, 1, 250, 499])
@pytest.mark.parametrize(
    ("whole", "flawed", "flaw"),
    [
        (b'{"at": %d}', b'{"at": %d, "at": 7}', Flaw("the key 'at' is given twice")),
        (b'{"at": %d}', b'{"at": %d, "\\u0061t": 7}', Flaw("the key 'at' is given twice")),
        (b'{"at": %d}', b'{"at": %d, "b": "\\u003a", "a": 1, "a": 7}', Flaw("the key 'a' is given twice")),
        (b'{"at": %d}', b'{"at": %d, "a": ":", "a": 7}', Flaw("the key 'a' is given twice")),
    ],
)
def test_a_flaw_among_many_objects_is_found_in_its_place(number: int, whole: bytes, flawed: bytes, flaw: Flaw) -> None:
    text = json.dumps({"positions": MANY}, ensure_ascii=False).encode()
    read_values = read(Dribble(text.replace(whole % number, flawed % number, 1), 1 << 20))["positions"]
    assert read_values[number]["levels"][0] == flaw
    assert [value["id"] for value in read_values] == [value["id"] for value in MANY]


def test_a_number_that_is_none_among_many_objects_is_found_in_its_place() -> None:
    text = json.dumps({"positions": MANY}).replace('{"at": 250}', '{"at": NaN}').encode()
    assert read(Dribble(text, 1 << 20))["positions"][250]["levels"][0] == {"at": Flaw("NaN is not a finite number")}


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_list_that_ends_before_another_object_ends_there(size: int) -> None:
    with pytest.raises(PortfolioError, match=r"line 1, column 28: expecting ','$"):
        read(Dribble(b'{"positions": [0, {"a": 1}]{"a": 2}]}', size))


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_fault_among_many_objects_is_placed_by_line_and_column(size: int) -> None:
    text = json.dumps({"positions": MANY}, indent=1).replace('"at": 250', '"at" 250')
    with pytest.raises(json.JSONDecodeError) as whole:
        json.loads(text)
    place = f"line {whole.value.lineno}, column {whole.value.colno}"
    with pytest.raises(PortfolioError, match=f"{place}: expecting ':' delimiter$"):
        read(Dribble(text.encode(), size))


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
