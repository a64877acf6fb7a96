"""A staged book: lines in the order of their groups, an index of their places, and nothing when it is refused."""

import json
import struct
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fanout.book import decode_position
from fanout.errors import PortfolioError
from fanout.market import Market, bundled_market
from fanout.staging import stage_book

WORKSHOP = Path(__file__).parents[3] / "examples/montecarlo/workshop_portfolio.json"


@pytest.fixture
def market() -> Market:
    return bundled_market()


def test_the_workshops_book_is_48_positions_of_8_trades_in_one_group(market: Market, tmp_path: Path) -> None:
    with WORKSHOP.open("rb") as stream:
        book = stage_book(stream, market, tmp_path)
    assert (book.name, book.count) == ("autocallable", 48)
    assert [(group.size, group.distinct, group.model) for group in book.groups] == [(48, 8, "heston")]
    assert book.sha256 == sha256(WORKSHOP.read_bytes()).hexdigest()


def test_each_offset_is_where_its_line_begins(market: Market, tmp_path: Path) -> None:
    with WORKSHOP.open("rb") as stream:
        book = stage_book(stream, market, tmp_path)
    lines = book.lines.read_bytes()
    offsets = struct.unpack("<49Q", book.offsets.read_bytes())
    indices = [decode_position(lines[start:stop]).index for start, stop in pairwise(offsets)]
    assert indices == list(range(48))
    assert offsets[-1] == len(lines)


def test_a_refused_book_leaves_nothing_behind(market: Market, tmp_path: Path) -> None:
    raw: dict[str, Any] = json.loads(WORKSHOP.read_bytes())
    raw["positions"][47]["barrier"] = -0.2
    with pytest.raises(PortfolioError, match=r"^positions\[47\]\.barrier: -0\.2 is not above 0$"):
        stage_book(BytesIO(json.dumps(raw).encode()), market, tmp_path)
    assert list(tmp_path.iterdir()) == []
